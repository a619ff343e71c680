"""The processes that hold an index. The service starts `python -m <this module> FD`.

The matcher holds the interpreter lock for most of a query, so several queries at once need several
processes. An index is large, so the processes share one. The index server is a fork server: it
loads once what the libraries load at first use. For each index version it forks an index process,
which builds the index and forks workers and a delta worker. All of them share the memory of the
index until they write to it. No process here ever has a second thread, gRPC, or a connection other
than its socket to the service: that makes forking safe.

Each process ends when the service closes the other end of its socket, or dies. The messages are in
`worker_protocol`; sockets for new processes are passed as file descriptors.
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
from services.screening.shell.worker_protocol import (
    BUILD_INDEX,
    SCREEN_REQUEST,
    IndexBuilt,
    ScreenReply,
    ScreenRequest,
    WorkerStarted,
    encode,
)

INDEX_PROCESS: Final = b"i"
"""Order to the index server: fork an index process, with its two sockets (messages, orders)."""
WORKER: Final = b"w"
"""Order to an index process: fork a worker, with its socket."""
DELTA_WORKER: Final = b"d"
"""Order to an index process: fork a delta worker, which calls functions on the index."""

_WARM_UP: Final = Entry(entry_id="", list_code="", name="Example Trading House", content_hash="")
"""Searching an index of this entry makes the libraries load their tables before a fork."""


def main() -> None:
    """Loads the tables, then forks index processes until the service closes the socket."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    # A signal to the process group is for the service: it finishes its calls first and then closes
    # our sockets.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
    screen(ListIndex.build((_WARM_UP,), ""), PartyQuery((_WARM_UP.name[1:],)), DEFAULT)
    _freeze()
    _serve(orders, {INDEX_PROCESS: _index_process})


def _freeze() -> None:
    """Exempts all present objects from garbage collection, which would write to shared memory."""
    gc.collect()
    gc.freeze()


def _serve(orders: socket.socket, mains: dict[bytes, Callable[..., None]]) -> None:
    """Forks a process for each order, which runs its function, until the socket closes."""
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, 1, 2)
        if not order:
            return
        sockets = [socket.socket(fileno=each) for each in descriptors]
        if os.fork() == 0:
            orders.close()
            _run(mains[order], sockets)
        for each in sockets:
            each.close()


def _run(main: Callable[..., None], sockets: list[socket.socket]) -> NoReturn:
    """Runs the main function of a forked process and ends the process."""
    code = 1
    try:
        main(*sockets)
        code = 0
    except (BrokenPipeError, ConnectionResetError):
        code = 0  # the service closed the socket
    finally:
        os._exit(code)


def _index_process(messages: socket.socket, orders: socket.socket) -> None:
    body = worker_protocol.receive(messages)
    if body is None:
        return
    request = BUILD_INDEX.decode(body)
    del body
    try:
        index = ListIndex.build(request.entries, request.list_version_id)
    except Exception as error:  # noqa: BLE001 - the service must learn of any failure
        messages.sendall(encode(IndexBuilt(type(error).__name__)))
        return
    config = request.config
    del request  # so that its entries are not counted as shared memory
    _freeze()
    messages.sendall(encode(IndexBuilt()))

    def worker(connection: socket.socket) -> None:
        messages.close()
        _worker(connection, index, config)

    def delta_worker(connection: socket.socket) -> None:
        messages.close()
        _delta_worker(connection, index)

    _serve(orders, {WORKER: worker, DELTA_WORKER: delta_worker})


def _worker(connection: socket.socket, index: ListIndex, config: ScreeningConfig) -> None:
    gc.set_threshold(20_000, 20, 20)
    connection.sendall(encode(WorkerStarted(os.getpid())))
    while (body := worker_protocol.receive(connection)) is not None:
        connection.sendall(encode(_reply(SCREEN_REQUEST.decode(body), index, config)))


def _reply(request: ScreenRequest, index: ListIndex, config: ScreeningConfig) -> ScreenReply:
    began = time.thread_time()
    end = began + request.budget_s
    try:
        found = screen(index, request.query, config, is_spent=lambda: time.thread_time() > end)
    except Exception as error:  # noqa: BLE001 - one party must not end a worker that serves all
        return ScreenReply(None, time.thread_time() - began, type(error).__name__)
    return ScreenReply(found, time.thread_time() - began)


def _delta_worker(connection: socket.socket, index: ListIndex) -> None:
    """Calls functions of this package with the index.

    What they keep in their modules lives as long as the process.
    """
    connection.sendall(encode(WorkerStarted(os.getpid())))
    while (body := worker_protocol.receive(connection)) is not None:
        function, arguments = pickle.loads(body)  # noqa: S301 - from the service, over a socket that only it has
        try:
            reply = True, function(index, *arguments)
        except Exception as error:  # noqa: BLE001 - the service must learn of any failure
            reply = False, type(error).__name__
        connection.sendall(worker_protocol.frame(pickle.dumps(reply)))


if __name__ == "__main__":
    with contextlib.suppress(ConnectionResetError):
        main()
