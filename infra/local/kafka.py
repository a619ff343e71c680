"""A Kafka cluster of one or three KRaft nodes on the loopback, from the official jars, without a container."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Final, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from infra.cache import cached
from infra.local.asyncio_thread import run_coroutine
from infra.local.ports import LOOPBACK, free_port
from infra.local.processes import (
    Command,
    Process,
    ProcessError,
    listens,
    log_tail,
    required,
    wait_until,
)

START_SECONDS: Final = 90.0
STOP_SECONDS: Final = 20.0
LAST_SECONDS: Final = 2.0
JAVA_PACKAGE: Final = "openjdk-17-jre-headless"
_SOURCE: Final = Path(__file__).with_suffix("")
_JVM: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true")
_QUORUM: Final = 3


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one node listens: for clients, and for the other nodes' controllers."""

    broker: int
    controller: int


def jars() -> Path:
    """The folder of the broker's jars, fetched by Maven at first use and held to the checksums beside the pom."""
    return cached("kafka/lib", (_SOURCE / "pom.xml", _SOURCE / "jars.sha256"), _fetch)


def fetch_unchecked(folder: Path) -> None:
    """Let Maven copy the jars of the pom into a folder, without comparing them with the recorded checksums."""
    maven = required("mvn", "maven")
    java()
    result = subprocess.run(
        [
            *(maven, "-B", "-q", "-f", str(_SOURCE / "pom.xml"), "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        msg = f"Maven could not fetch Kafka's jars: {(result.stdout + result.stderr)[-2_000:]}"
        raise ProcessError(msg)


def checksums(folder: Path) -> str:
    """The jars of a folder in the form of sha256sum, sorted by name."""
    return "".join(
        f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n"
        for jar in sorted(folder.glob("*.jar"))
    )


def record_checksums(folder: Path) -> Path:
    """Write the checksums of freshly fetched jars beside the pom: after a reviewed change of the pom."""
    fetch_unchecked(folder)
    file = _SOURCE / "jars.sha256"
    file.write_text(checksums(folder), encoding="ascii")
    return file


def java() -> str:
    """The Java that runs the broker: `JAVA_HOME`'s, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else required("java", JAVA_PACKAGE)


def _fetch(folder: Path) -> None:
    fetch_unchecked(folder)
    expected = set((_SOURCE / "jars.sha256").read_text(encoding="ascii").splitlines())
    differing = expected.symmetric_difference(checksums(folder).splitlines())
    if differing:
        msg = f"Kafka's jars are not the recorded ones: {sorted({line.split()[1] for line in differing})}"
        raise ProcessError(msg)


class Kafka:
    """A cluster whose nodes are numbered from 1 and keep their data in `folder`; data that is there is used again.

    One node promises what it has written to its disk; three keep every acknowledged record through the loss of one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 1,
        ports: Sequence[Ports] | None = None,
        keep_alive: bool = False,
    ) -> None:
        if nodes not in (1, _QUORUM):
            msg = f"one node or three, not {nodes}"
            raise ValueError(msg)
        self.folder = folder.resolve()
        self.ports = tuple(ports or (Ports(free_port(), free_port()) for _ in range(nodes)))
        self.nodes = tuple(range(1, nodes + 1))
        self._keep_alive = keep_alive
        self._processes: dict[int, Process] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """`host:port` of every node, comma-separated."""
        return ",".join(f"{LOOPBACK}:{ports.broker}" for ports in self.ports)

    @property
    def replication(self) -> int:
        """How many nodes keep each partition."""
        return len(self.nodes)

    @property
    def logs(self) -> tuple[Path, ...]:
        """The nodes' logs."""
        return tuple(self._folder(node) / "kafka.log" for node in self.nodes)

    def pid(self, node: int = 1) -> int | None:
        """The pid of a node, or None."""
        process = self._processes.get(node)
        return process.pid if process else None

    def start(self) -> None:
        """Format what is new, start every node that is down, and wait until clients see the whole cluster."""
        classpath = f"{jars()}/*:{_SOURCE}"
        self._configure()
        self._format(classpath)
        for node in self.nodes:
            if node not in self._processes:
                self._processes[node] = Process(
                    f"kafka-{node}", self._command(node, classpath), keep_alive=self._keep_alive
                )
        self._start_until_seen(self.nodes)

    def start_node(self, node: int = 1) -> None:
        """Start one node that was stopped or killed, and wait until clients see it."""
        self._start_until_seen((node,))

    def stop(self) -> None:
        """Stop every node cleanly, together.

        The last of three cannot: a broker that leaves tells the controllers, and their quorum has just gone. It is
        killed soon after; its log is read again at the next start, as after a power cut.
        """
        for process in self._processes.values():
            process.ask_to_stop()
        self._wait_for_few(0 if self.replication == 1 else 1, STOP_SECONDS)
        self._wait_for_few(0, LAST_SECONDS)
        for process in self._processes.values():
            process.stop(0)

    def _wait_for_few(self, most: int, seconds: float) -> None:
        """Wait until at most so many nodes run, or until the time is over."""
        with contextlib.suppress(ProcessError):
            wait_until(
                lambda: sum(each.is_running for each in self._processes.values()) <= most,
                seconds,
                "kafka gone",
            )

    def stop_node(self, node: int = 1) -> None:
        """Stop one node cleanly."""
        self._processes[node].stop(STOP_SECONDS)

    def kill(self, node: int = 1, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a node; after one that kills, return when it is gone."""
        process = self._processes[node]
        pid = process.pid
        process.kill(number)
        if number is signal.SIGKILL and pid is not None:
            process.wait_gone(pid)

    def restart(self, node: int = 1) -> None:
        """Stop one node and start it again."""
        self.stop_node(node)
        self.start_node(node)

    def brokers(self) -> frozenset[int]:
        """The nodes that a client sees now, in an answer to a real metadata request; empty if none answers."""
        up = [address for address in self.bootstrap.split(",") if listens(address)]
        return run_coroutine(_brokers(up)) if up else frozenset()

    def _start_until_seen(self, nodes: Sequence[int]) -> None:
        def seen_or_again() -> bool:
            # A node orphaned a moment ago may still hold its data folder: the next one ends, and is tried again.
            for node in nodes:
                self._processes[node].start()
            return all(self._is_up(node) for node in nodes)

        try:
            wait_until(seen_or_again, START_SECONDS, f"kafka nodes {list(nodes)} ready")
        except ProcessError as error:
            tails = "\n".join(log_tail(self._processes[node].log) for node in nodes)
            self.stop()
            msg = f"{error}; their logs end:\n{tails}"
            raise ProcessError(msg) from error

    def _is_up(self, node: int) -> bool:
        """Whether the node itself answers and knows itself as a broker: the others list a dead one for some seconds."""
        address = f"{LOOPBACK}:{self.ports[node - 1].broker}"
        return listens(address) and node in run_coroutine(_brokers([address]))

    def _folder(self, node: int) -> Path:
        return self.folder / f"node-{node}"

    def _configure(self) -> None:
        template = Template((_SOURCE / "server.properties").read_text(encoding="utf-8"))
        for node, ports in zip(self.nodes, self.ports, strict=True):
            self._folder(node).mkdir(parents=True, exist_ok=True)
            text = template.substitute(self._values(node, ports))
            (self._folder(node) / "server.properties").write_text(text, encoding="utf-8")

    def _values(self, node: int, ports: Ports) -> Mapping[str, str]:
        voters = zip(self.nodes, self.ports, strict=True)
        return {
            "node": str(node),
            "voters": ",".join(f"{number}@{LOOPBACK}:{each.controller}" for number, each in voters),
            "broker": f"{LOOPBACK}:{ports.broker}",
            "controller": f"{LOOPBACK}:{ports.controller}",
            "data": str(self._folder(node) / "data"),
            "replication": str(self.replication),
            "in_sync": str(self.replication // 2 + 1),
        }

    def _cluster_id(self) -> str:
        file = self.folder / "cluster.id"
        if not file.exists():
            file.write_text(
                base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("="),
                encoding="ascii",
            )
        return file.read_text(encoding="ascii")

    def _format(self, classpath: str) -> None:
        new = [
            node
            for node in self.nodes
            if not (self._folder(node) / "data" / "meta.properties").exists()
        ]
        running = [
            subprocess.Popen(
                [
                    *(
                        java(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classpath,
                        "kafka.tools.StorageTool",
                        "format",
                    ),
                    # Joined with "=": a cluster id may begin with a dash.
                    *(
                        f"--cluster-id={self._cluster_id()}",
                        f"--config={self._folder(node) / 'server.properties'}",
                    ),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for node in new
        ]
        answers = [(tool.communicate()[0], tool.returncode) for tool in running]
        for output, code in answers:
            if code:
                msg = f"Kafka's data folder cannot be formatted: {output[-2_000:]}"
                raise ProcessError(msg)

    def _command(self, node: int, classpath: str) -> Command:
        heap = "-Xmx384m" if self.replication == 1 else "-Xmx256m"
        config = str(self._folder(node) / "server.properties")
        return Command(
            argv=[java(), heap, *_JVM, "-cp", classpath, "kafka.Kafka", config],
            log=self._folder(node) / "kafka.log",
            # Alone it ends cleanly by itself; one of three orphans would wait for a quorum that is going away too.
            orphan_signal=signal.SIGTERM if self.replication == 1 else signal.SIGKILL,
        )


async def _brokers(addresses: Sequence[str]) -> frozenset[int]:
    client = AIOKafkaClient(bootstrap_servers=list(addresses), request_timeout_ms=5_000)
    try:
        await client.bootstrap()
        return frozenset(broker.nodeId for broker in client.cluster.brokers())
    except (KafkaError, OSError):
        return frozenset()
    finally:
        await client.close()
