"""The processes that hold an index: `python -m services.screening.shell.index_server FD`, started by the service.

The engine holds its interpreter, so several queries at once need several processes; an index is large, so they share
one. The foundry loads once what the libraries load at first use. For each generation it forks a process that builds the
index, and that one forks the workers: all of them see the same memory until they write to it. No process of this family
ever has a second thread, gRPC, or a connection to anything but the service: that is what makes forking safe.

Everyone ends when the service closes the other end of its socket, or dies. What the service is asked for and told is
described in `wire`; sockets for new processes come as file descriptors.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Final, NoReturn

from services.screening.core.config import DEFAULT, ScreeningConfig
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyQuery
from services.screening.core.names.index import ListIndex
from services.screening.shell import worker_protocol

GENERATION: Final = b"g"
"""Order to the foundry: fork a process that builds a generation, with its two sockets (messages, orders)."""
WORKER: Final = b"w"
"""Order to a generation's process: fork a worker, with its socket."""
CLERK: Final = b"c"
"""Order to a generation's process: fork one that calls whole functions, with its socket."""


_ANYBODY: Final = Entry(entry_id="", list_code="", name="Example Trading House", content_hash="")
"""An index of somebody has the libraries load whatever they load at first use, before anything is forked."""


def main() -> None:
    """Loads the tables, then does what it is ordered until the service is gone."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    # A signal to the whole group is for the service, which lets its calls end first; it then closes our sockets.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for children
    screen(ListIndex.build((_ANYBODY,), ""), PartyQuery((_ANYBODY.name[1:],)), DEFAULT)
    gc.collect()
    gc.freeze()  # what is collected is written to, and what is written to is no longer shared
    _obey(orders, {GENERATION: _generation})


def _obey(orders: socket.socket, acts: dict[bytes, Callable[..., None]]) -> None:
    """Forks a process for each order, until there are no more."""
    while True:
        order, given, _, _ = socket.recv_fds(orders, 1, 2)
        if not order:
            return
        sockets = [socket.socket(fileno=each) for each in given]
        if os.fork() == 0:
            orders.close()
            _end(acts[order], sockets)
        for each in sockets:
            each.close()


def _end(act: Callable[..., None], sockets: list[socket.socket]) -> NoReturn:
    """Does the one thing that this process is for."""
    code = 1
    try:
        act(*sockets)
        code = 0
    except (BrokenPipeError, ConnectionResetError):
        code = 0  # the service is gone
    finally:
        os._exit(code)


def _generation(messages: socket.socket, orders: socket.socket) -> None:
    body = worker_protocol.receive(messages)
    if body is None:
        return
    cast = worker_protocol.CAST.decode(body)
    del body
    try:
        generation = ListIndex.build(cast.entries, cast.list_version_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, the service must hear of it
        messages.sendall(worker_protocol.frame(worker_protocol.Ready(type(error).__name__)))
        return
    config = cast.config
    del cast
    gc.collect()
    gc.freeze()
    messages.sendall(worker_protocol.frame(worker_protocol.Ready()))

    def work(ours: socket.socket) -> None:
        messages.close()
        _work(ours, generation, config)

    def clerk(ours: socket.socket) -> None:
        messages.close()
        _clerk(ours, generation)

    _obey(orders, {WORKER: work, CLERK: clerk})


def _work(ours: socket.socket, generation: ListIndex, config: ScreeningConfig) -> None:
    gc.set_threshold(20_000, 20, 20)
    ours.sendall(worker_protocol.frame(worker_protocol.Hello(os.getpid())))
    while (body := worker_protocol.receive(ours)) is not None:
        ours.sendall(
            worker_protocol.frame(_answered(worker_protocol.ASK.decode(body), generation, config))
        )


def _answered(
    ask: worker_protocol.Ask, generation: ListIndex, config: ScreeningConfig
) -> worker_protocol.Answer:
    began = time.thread_time()
    end = began + ask.budget_s
    try:
        found = screen(generation, ask.query, config, is_spent=lambda: time.thread_time() > end)
    except Exception as error:  # noqa: BLE001 - one party must not end the worker of all
        return worker_protocol.Answer(None, time.thread_time() - began, type(error).__name__)
    return worker_protocol.Answer(found, time.thread_time() - began)


def _clerk(ours: socket.socket, generation: ListIndex) -> None:
    """Calls functions of ours with the generation; what they keep in their modules stays as long as the process."""
    ours.sendall(worker_protocol.frame(worker_protocol.Hello(os.getpid())))
    while (body := worker_protocol.receive(ours)) is not None:
        function, given = pickle.loads(body)  # noqa: S301 - from our own service, over a socket that only it has
        try:
            said = True, function(generation, *given)
        except Exception as error:  # noqa: BLE001 - the service must hear of it
            said = False, type(error).__name__
        ours.sendall(worker_protocol.framed(pickle.dumps(said)))


if __name__ == "__main__":
    with contextlib.suppress(ConnectionResetError):
        main()
