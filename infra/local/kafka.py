"""A Kafka cluster of one or three KRaft nodes on the loopback, from the official jars."""

from __future__ import annotations

import base64
import contextlib
import signal
import subprocess
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Final, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from chassis.transport.brokers import Bootstrap, Brokers, client_options
from chassis.transport.renewed_tls import TlsFiles
from infra.downloads.kafka import jars
from infra.local.asyncio_thread import run_coroutine
from infra.local.certificate_authority import Identity, common_name
from infra.local.ports import LOOPBACK, free_port
from infra.local.probes import accepts_connections
from infra.local.processes import Command, Process, ProcessError, log_tail, wait_until
from infra.programs import java

START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 20.0
LAST_SECONDS: Final = 2.0
_SOURCE: Final = Path(__file__).with_suffix("")
_JVM: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true")
_QUORUM: Final = 3


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one node: for clients, and for the controllers of the other nodes."""

    broker: int
    controller: int


@dataclass(frozen=True, slots=True)
class Listener:
    """One more listener of every node, for clients behind a proxy.

    `name` is in capitals. Node n listens on `ports[n - 1]` and tells its clients to connect to
    `advertised[n - 1]`.
    """

    name: str
    ports: tuple[int, ...]
    advertised: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KafkaTls:
    """The identities of a cluster: of its nodes, and of the client that may do everything.

    The broker knows a client by the common name of its certificate.
    """

    node: Identity
    administrator: Identity


class Kafka:
    """A cluster whose nodes are numbered from 1. Their data is in `folder`; existing data is used.

    With `tls` every listener demands a certificate, and a client may do only what it was granted.
    Without, every client may do everything.

    A single node keeps acknowledged records while its disk lives. Three nodes keep every
    acknowledged record when one of them is lost.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 1,
        ports: Sequence[Ports] | None = None,
        keep_alive: bool = False,
        listeners: Sequence[Listener] = (),
        tls: KafkaTls | None = None,
    ) -> None:
        if nodes not in (1, _QUORUM):
            raise ValueError(f"nodes must be 1 or 3, not {nodes}")
        self.folder = folder.resolve()
        self.ports = tuple(ports or (Ports(free_port(), free_port()) for _ in range(nodes)))
        self.nodes = tuple(range(1, nodes + 1))
        self._keep_alive = keep_alive
        self._listeners = tuple(listeners)
        self._tls = tls
        self._processes: dict[int, Process] = {}
        self._is_stopping = threading.Event()

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
    def addresses(self) -> str:
        """`host:port` of every node, comma-separated."""
        return ",".join(f"{LOOPBACK}:{ports.broker}" for ports in self.ports)

    @property
    def bootstrap(self) -> Bootstrap:
        """All nodes, for a client that may do everything."""
        return self._reached_at(self.addresses)

    def _reached_at(self, addresses: str) -> Bootstrap:
        if self._tls is None:
            return addresses
        admin = self._tls.administrator
        return Brokers(addresses, TlsFiles(admin.ca, admin.cert, admin.key))

    @property
    def replication(self) -> int:
        """The number of replicas of each partition."""
        return len(self.nodes)

    @property
    def logs(self) -> tuple[Path, ...]:
        """The logs of the nodes."""
        return tuple(self._folder(node) / "kafka.log" for node in self.nodes)

    def pid(self, node: int = 1) -> int | None:
        """Returns the pid of a node, or None."""
        process = self._processes.get(node)
        return process.pid if process else None

    def start(self) -> None:
        """Formats new data folders, starts the nodes that are down and waits until all are ready.

        Raises ProcessError if they are not ready in time, or if `stop` is called meanwhile.
        """
        self._is_stopping.clear()
        classpath = f"{jars()}/*:{_SOURCE}"
        self._configure()
        self._format(classpath)
        for node in self.nodes:
            if node not in self._processes:
                self._processes[node] = Process(
                    f"kafka-{node}", self._command(node, classpath), keep_alive=self._keep_alive
                )
        self._start_and_wait(self.nodes)

    def start_node(self, node: int = 1) -> None:
        """Starts a node that was stopped or killed, and waits until it is ready."""
        self._start_and_wait((node,))

    def stop(self) -> None:
        """Stops all nodes together.

        The last of three nodes cannot stop cleanly: it waits for the controllers, which have lost
        their quorum. It is killed after two seconds and recovers its log at the next start.
        """
        self._is_stopping.set()
        for process in tuple(self._processes.values()):
            process.request_stop()
        self._wait_for_few(0 if self.replication == 1 else 1, STOP_SECONDS)
        self._wait_for_few(0, LAST_SECONDS)
        for process in tuple(self._processes.values()):
            process.stop(0)

    def _wait_for_few(self, most: int, seconds: float) -> None:
        """Returns when at most `most` nodes run, or after `seconds`."""
        with contextlib.suppress(ProcessError):
            wait_until(
                lambda: sum(each.is_running for each in tuple(self._processes.values())) <= most,
                seconds,
                "kafka gone",
            )

    def stop_node(self, node: int = 1) -> None:
        """Stops one node cleanly."""
        self._processes[node].stop(STOP_SECONDS)

    def kill(self, node: int = 1, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to a node. After SIGKILL the call returns when it has exited."""
        process = self._processes[node]
        pid = process.pid
        process.kill(number)
        if number is signal.SIGKILL and pid is not None:
            process.wait_gone(pid)

    def restart(self, node: int = 1) -> None:
        """Stops and starts one node."""
        self.stop_node(node)
        self.start_node(node)

    def brokers(self) -> frozenset[int]:
        """Returns the nodes in the answer to a metadata request; empty if no node answers."""
        up = [address for address in self.addresses.split(",") if accepts_connections(address)]
        return run_coroutine(_brokers(self._reached_at(",".join(up)))) if up else frozenset()

    def _start_and_wait(self, nodes: Sequence[int]) -> None:
        def ready_or_again() -> bool:
            if self._is_stopping.is_set():
                raise ProcessError("kafka was stopped while it started")
            # A node of an earlier run may still hold the data folder. The new one then exits and
            # is started again.
            for node in nodes:
                self._processes[node].start()
            return all(self._is_up(node) for node in nodes)

        try:
            wait_until(ready_or_again, START_SECONDS, f"kafka nodes {list(nodes)} ready")
        except ProcessError as error:
            tails = "\n".join(log_tail(self._processes[node].log) for node in nodes)
            self.stop()
            raise ProcessError(f"{error}; their logs end:\n{tails}") from error

    def _is_up(self, node: int) -> bool:
        """Returns whether the node itself answers and lists itself as a broker.

        The other nodes are not asked: they list a dead node for some seconds.
        """
        address = f"{LOOPBACK}:{self.ports[node - 1].broker}"
        if not accepts_connections(address):
            return False
        return node in run_coroutine(_brokers(self._reached_at(address)))

    def _folder(self, node: int) -> Path:
        return self.folder / f"node-{node}"

    def _configure(self) -> None:
        template = Template((_SOURCE / "server.properties").read_text(encoding="utf-8"))
        for node, ports in zip(self.nodes, self.ports, strict=True):
            self._folder(node).mkdir(parents=True, exist_ok=True)
            text = template.substitute(self._values(node, ports))
            if self._tls is not None:
                text += self._tls_settings(node, self._tls)
            (self._folder(node) / "server.properties").write_text(text, encoding="utf-8")

    def _tls_settings(self, node: int, tls: KafkaTls) -> str:
        # One file with key and certificate, readable by nobody else.
        keystore = self._folder(node) / "node.pem"
        keystore.touch(mode=0o600)
        keystore.write_bytes(tls.node.key.read_bytes() + tls.node.cert.read_bytes())
        template = Template((_SOURCE / "tls.properties").read_text(encoding="utf-8"))
        return template.substitute(
            keystore=keystore,
            truststore=tls.node.ca,
            super_users=";".join(
                f"User:{common_name(each)}" for each in (tls.node, tls.administrator)
            ),
        )

    def _values(self, node: int, ports: Ports) -> Mapping[str, str]:
        voters = zip(self.nodes, self.ports, strict=True)
        protocol = "SSL" if self._tls is not None else "PLAINTEXT"
        return {
            "node": str(node),
            "voters": ",".join(f"{number}@{LOOPBACK}:{each.controller}" for number, each in voters),
            "broker": f"{LOOPBACK}:{ports.broker}",
            "controller": f"{LOOPBACK}:{ports.controller}",
            "data": str(self._folder(node) / "data"),
            "replication": str(self.replication),
            "in_sync": str(self.replication // 2 + 1),
            "more_listeners": "".join(
                f",{each.name}://{LOOPBACK}:{each.ports[node - 1]}" for each in self._listeners
            ),
            "more_advertised": "".join(
                f",{each.name}://{LOOPBACK}:{each.advertised[node - 1]}" for each in self._listeners
            ),
            "clients": protocol,
            "protocol": protocol,
            "more_protocols": "".join(f",{each.name}:{protocol}" for each in self._listeners),
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
                raise ProcessError(f"Kafka could not format its data folder: {output[-2_000:]}")

    def _command(self, node: int, classpath: str) -> Command:
        heap = "-Xmx384m" if self.replication == 1 else "-Xmx256m"
        config = str(self._folder(node) / "server.properties")
        return Command(
            argv=[java(), heap, *_JVM, "-cp", classpath, "kafka.Kafka", config],
            log=self._folder(node) / "kafka.log",
            # An orphaned single node stops cleanly. One of three would wait for a quorum that is
            # orphaned as well.
            orphan_signal=signal.SIGTERM if self.replication == 1 else signal.SIGKILL,
        )


async def _brokers(bootstrap: Bootstrap) -> frozenset[int]:
    client = AIOKafkaClient(**client_options(bootstrap), request_timeout_ms=5_000)
    try:
        await client.bootstrap()
        return frozenset(broker.nodeId for broker in client.cluster.brokers())
    except (KafkaError, OSError):
        return frozenset()
    finally:
        await client.close()
