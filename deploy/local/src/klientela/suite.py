"""The suite of one data directory: which processes there are, in which order they start and stop."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import Any, TypeVar

from klientela.credentials import SUPERUSER_PASSWORD, make_missing, password
from klientela.databases import provide
from klientela.kafka import KafkaBroker
from klientela.layout import DataDirectory
from klientela.operator_key import OPERATOR_KEY, ensure_operator_key
from klientela.ports import Ports
from klientela.postgres import PostgresServer
from klientela.processes import ManagedProcess
from klientela.services import KAFKA_VARIABLE, KEY_OWNER, SERVICES, Service, ServiceProcess, service_environment

Process = TypeVar("Process", bound=ManagedProcess)


class Suite:
    """PostgreSQL, Kafka and the services; those two only where the environment names no cluster of the user's."""

    def __init__(self, layout: DataDirectory, ports: Ports, progress: Callable[[str], None]) -> None:
        """Describe the suite; starts nothing and needs a prepared directory."""
        self.layout = layout
        self.ports = ports
        self.progress = progress
        self.stopping = Event()
        self.environment: Mapping[str, str] = dict(os.environ)
        self.ours = [service for service in SERVICES if not self.environment.get(service.database_variable)]
        self.postgres = self._postgres() if self.ours else None
        self.kafka = None if self.environment.get(KAFKA_VARIABLE) else self._kafka()
        self.services: list[ServiceProcess] = []

    def _postgres(self) -> PostgresServer:
        return PostgresServer(
            self.layout.postgres,
            self.ports.postgres,
            password=password(self.layout, SUPERUSER_PASSWORD),
            log=self.layout.logs / "postgres.log",
            record=self.layout.run / "postgres.json",
        )

    def _kafka(self) -> KafkaBroker:
        return KafkaBroker(
            self.layout.kafka,
            self.ports.kafka,
            self.ports.controller,
            log=self.layout.logs / "kafka.log",
            record=self.layout.run / "kafka.json",
            progress=self.progress,
            train=True,
        )

    @property
    def servers(self) -> list[ManagedProcess]:
        """What the services stand on."""
        return [server for server in (self.postgres, self.kafka) if server]

    @property
    def processes(self) -> list[ManagedProcess]:
        """All processes, in the order in which they start."""
        return [*self.servers, *self.services]

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.kafka.bootstrap if self.kafka else self.environment[KAFKA_VARIABLE]

    @property
    def listeners(self) -> dict[str, int]:
        """Every port that has to be free, by who needs it."""
        needed = {f"the service {service.name}": service.port(self.ports) for service in SERVICES}
        if self.kafka:
            needed |= {"Kafka": self.ports.kafka, "Kafka's controller": self.ports.controller}
        if self.postgres:
            needed["PostgreSQL"] = self.ports.postgres
        return needed

    def start(self) -> None:
        """Start all: the two servers at once, then the five services at once; returns when all are ready."""
        make_missing(self.layout)
        names = " and ".join(server.name for server in self.servers)
        if names:
            self.progress(f"Starting {names}")
        start_together(self.servers, self._start_server, self.stopping.set)
        self.services = [self._service(service) for service in SERVICES]
        self.progress("Starting the services " + ", ".join(service.name for service in SERVICES))
        start_together(self.services, lambda process: process.start(self.stopping), self.stopping.set)
        ensure_operator_key(self.layout, self.addresses[KEY_OWNER], self.progress)

    def _start_server(self, server: ManagedProcess) -> None:
        server.start(self.stopping)
        if isinstance(server, PostgresServer):
            asyncio.run(provide(server.dsn, {service.database: self._password(service) for service in self.ours}))

    def _password(self, service: Service) -> str:
        return password(self.layout, f"{service.name}-database-password")

    def _service(self, service: Service) -> ServiceProcess:
        environment = service_environment(
            service,
            ports=self.ports,
            database=self._database(service),
            kafka=self.bootstrap,
            secrets=self.layout.secrets,
            given=self.environment,
        )
        return ServiceProcess(
            service,
            service.port(self.ports),
            environment,
            log=self.layout.logs / f"{service.name}.log",
            record=self.layout.run / f"{service.name}.json",
        )

    def _database(self, service: Service) -> str:
        given = self.environment.get(service.database_variable)
        if given or not self.postgres:
            return given or ""
        return self.postgres.dsn_of(service.database, service.database, self._password(service))

    def stop(self) -> list[str]:
        """Stop all in reverse order; the names of those that had to be killed."""
        return [*stop_together(self.services), *stop_together(reversed(self.servers))]

    @property
    def addresses(self) -> dict[str, str]:
        """Where each service is."""
        return {service.name: service.url(self.ports) for service in SERVICES}

    def announcement(self) -> dict[str, Any]:
        """The line that `up` prints: where everything is, and the first operator's key."""
        return {
            "services": self.addresses,
            "kafka": self.bootstrap,
            "postgres": self.postgres.dsn if self.postgres else None,
            "key": self.layout.secret(OPERATOR_KEY),
            "data": str(self.layout.root),
        }


def start_together(processes: Sequence[Process], start: Callable[[Process], None], give_up: Callable[[], None]) -> None:
    """Start processes at the same time. The first failure ends the waiting for all others, and is raised."""
    with ThreadPoolExecutor(max(len(processes), 1)) as pool:
        for done in as_completed([pool.submit(start, process) for process in processes]):
            failure = done.exception()
            if failure:
                give_up()
                raise failure


def stop_together(processes: Iterable[ManagedProcess]) -> list[str]:
    """Stop processes at the same time; the names of those that had to be killed."""
    stopping = list(processes)
    with ThreadPoolExecutor(max(len(stopping), 1)) as pool:
        went = list(pool.map(lambda process: process.stop(), stopping))
    return [process.name for process, willing in zip(stopping, went, strict=True) if not willing]
