"""The supervisor of child processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from infra.cache import CHECKOUT
from infra.local.ports import LOOPBACK, PortRegistry, free_port
from infra.local.probes import is_serving
from infra.local.processes import Command, Process, ProcessError, wait_until

SECONDS = 20.0


def _python(tmp_path: Path, program: str) -> Command:
    return Command(argv=[sys.executable, "-c", program], log=tmp_path / "child.log")


SLEEPS = "import time; print('up', flush=True); time.sleep(60)"
IGNORES_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


def _is_up(process: Process) -> bool:
    return "up" in process.log.read_text(encoding="utf-8")


def test_a_child_is_stopped_by_its_signal(tmp_path: Path) -> None:
    process = Process("child", _python(tmp_path, SLEEPS))
    process.start()
    process.wait_ready(lambda: _is_up(process), SECONDS)

    assert process.stop() == -signal.SIGTERM
    assert not process.is_running


def test_a_child_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    process = Process("child", _python(tmp_path, IGNORES_SIGTERM))
    process.start()
    process.wait_ready(lambda: _is_up(process), SECONDS)

    assert process.stop(seconds=0.1) == -signal.SIGKILL


def test_a_child_that_was_killed_is_started_again(tmp_path: Path) -> None:
    process = Process("child", _python(tmp_path, SLEEPS), keep_alive=True)
    process.start()
    first = process.pid

    process.kill()
    wait_until(lambda: process.pid not in (None, first), SECONDS, "another pid")

    assert process.starts == 2
    process.stop()


def test_a_child_that_keeps_dying_is_tried_again_with_pauses(tmp_path: Path) -> None:
    process = Process("child", _python(tmp_path, "raise SystemExit(3)"), keep_alive=True)
    process.start()

    wait_until(lambda: process.starts >= 3, SECONDS, "third start")

    process.stop()
    assert process.pid is None


def test_a_stopped_child_stays_down_until_it_is_started(tmp_path: Path) -> None:
    process = Process("child", _python(tmp_path, SLEEPS), keep_alive=True)
    process.start()
    process.stop()
    assert process.pid is None

    process.start()
    assert process.is_running
    process.stop()


def test_without_keep_alive_a_killed_child_stays_down(tmp_path: Path) -> None:
    process = Process("child", _python(tmp_path, SLEEPS))
    process.start()
    pid = process.pid
    assert pid is not None

    process.kill()
    process.wait_gone(pid)

    assert process.stop() == -signal.SIGKILL
    assert process.starts == 1


def test_waiting_for_a_child_that_died_shows_the_end_of_its_log(tmp_path: Path) -> None:
    process = Process("child", _python(tmp_path, "raise SystemExit('no such database')"))
    process.start()

    with pytest.raises(ProcessError, match="no such database"):
        process.wait_ready(lambda: False, SECONDS)


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    log = tmp_path / "log"
    # The child must be up first: the kernel learns of the orphan signal just before its program.
    program = f"""
import pathlib, sys, time
from infra.local.processes import Command, Process
log = pathlib.Path({str(log)!r})
child = Process("child", Command(argv=[sys.executable, "-c", {SLEEPS!r}], log=log))
child.start()
child.wait_ready(lambda: "up" in log.read_text(), {SECONDS})
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        supervisor.kill()

    wait_until(lambda: _is_gone(pid), SECONDS, "child gone")


def _is_gone(pid: int) -> bool:
    """Whether the process has ended. In a container it may stay a zombie, as nobody reaps it."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            == "Z"
        )
    except OSError:
        return True


@pytest.fixture
def health() -> Iterator[tuple[str, HealthServicer]]:
    servicer = HealthServicer()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    server.start()
    yield f"{LOOPBACK}:{port}", servicer
    server.stop(grace=None).wait()


def test_readiness_is_what_the_health_port_says(health: tuple[str, HealthServicer]) -> None:
    address, servicer = health
    servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    before = is_serving(address)

    servicer.set("", health_pb2.HealthCheckResponse.SERVING)

    assert (before, is_serving(address), is_serving(address, "unknown")) == (False, True, False)


def test_a_port_without_a_server_is_not_ready() -> None:
    assert not is_serving(f"{LOOPBACK}:{free_port()}")


def test_a_name_gets_the_same_port_after_a_restart(tmp_path: Path) -> None:
    first = PortRegistry(tmp_path / "ports.json")
    before = [first.port("one"), first.port("two")]

    again = PortRegistry(tmp_path / "ports.json")

    assert [again.port("one"), again.port("two")] == before
    assert len(set(before)) == 2
