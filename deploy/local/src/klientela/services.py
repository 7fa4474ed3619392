"""The services of the suite: their names, ports and databases, and what each process is told."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from klientela.ports import HOST, Ports
from klientela.processes import Launch, ManagedProcess
from klientela.signing_keys import PUBLIC_KEYS, SERVICE_KEY, SIGNING_KEY

SERVE_VARIABLE = "KLIENTELA_SERVE"
"""Another command that serves a service, its name added at the end: for tests of the command itself."""


@dataclass(frozen=True)
class Service:
    """A service by its name on the wire, and its place after the base port."""

    name: str
    offset: int

    @property
    def database(self) -> str:
        """The name of its database and of the role that owns it."""
        return self.name.replace("-", "_")

    @property
    def database_variable(self) -> str:
        """The environment variable with its database's address."""
        return f"KLIENTELA_{self.database.upper()}_DATABASE"

    @property
    def url_variable(self) -> str:
        """The environment variable with its own address."""
        return f"KLIENTELA_{self.database.upper()}_URL"

    def port(self, ports: Ports) -> int:
        """Where it listens."""
        return ports.base + self.offset

    def url(self, ports: Ports) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port(ports)}"


SERVICES = (
    Service("clients", 1),
    Service("orders", 2),
    Service("service-desk", 3),
    Service("loyalty", 4),
    Service("automation", 5),
)
KAFKA_VARIABLE = "KLIENTELA_KAFKA"
"""The environment variable with Kafka's address."""
KEY_OWNER = "clients"
"""The one service that makes keys and so is told where the signing key is."""


def serve_command(service: Service) -> list[str]:
    """The call that serves a service."""
    given = os.environ.get(SERVE_VARIABLE)
    return [*(shlex.split(given) if given else (sys.executable, "-m", "chassis", "serve")), service.name]


def service_environment(
    service: Service, *, ports: Ports, database: str, kafka: str, secrets: Path, given: Mapping[str, str]
) -> dict[str, str]:
    """What one service's process is told: the machine's environment, its own database, nobody else's secrets."""
    told = {name: value for name, value in given.items() if not is_secret(name)}
    told |= {one.url_variable: one.url(ports) for one in SERVICES}
    told |= {
        "KLIENTELA_HOST": HOST,
        "KLIENTELA_PORT": str(service.port(ports)),
        KAFKA_VARIABLE: kafka,
        "KLIENTELA_PUBLIC_KEYS": str(secrets / PUBLIC_KEYS),
        "KLIENTELA_SERVICE_KEY": str(secrets / SERVICE_KEY),
        "KLIENTELA_PUBLIC_URL": given.get("KLIENTELA_PUBLIC_URL") or orders_url(ports),
        "KLIENTELA_LOG": given.get("KLIENTELA_LOG") or "json",
        "PYTHONUNBUFFERED": "1",
        service.database_variable: database,
    }
    if service.name == KEY_OWNER:
        told["KLIENTELA_SIGNING_KEY"] = str(secrets / SIGNING_KEY)
    if stamps := restore_stamps(secrets / "restore-stamp", given):
        told["KLIENTELA_RESTORE_STAMP"] = stamps
    return told


def restore_stamps(written: Path, given: Mapping[str, str]) -> str:
    """What names the database beside itself: the last `restore`, and what a person set after putting an image back."""
    stamps = (written.read_text().strip() if written.exists() else "", given.get("KLIENTELA_RESTORE_STAMP", ""))
    return "/".join(stamp for stamp in stamps if stamp)


def is_secret(variable: str) -> bool:
    """Whether a variable of ours is for one service only."""
    ours = variable.startswith("KLIENTELA_")
    return ours and (variable.endswith("_DATABASE") or variable == "KLIENTELA_SIGNING_KEY")


def orders_url(ports: Ports) -> str:
    """Where shops reach the suite unless KLIENTELA_PUBLIC_URL says otherwise: the orders service itself."""
    return next(service.url(ports) for service in SERVICES if service.name == "orders")


class ServiceProcess(ManagedProcess):
    """One service in a process of its own."""

    start_patience = 120.0

    def __init__(self, service: Service, port: int, environment: Mapping[str, str], *, log: Path, record: Path) -> None:
        """`environment` is all that the process is told."""
        super().__init__(service.name, log=log, record=record)
        self.service = service
        self.port = port
        self.environment = environment

    def launch(self) -> Launch:
        """The call that serves it."""
        return Launch(serve_command(self.service), self.environment)

    def answers(self) -> bool:
        """Whether it says that it is ready."""
        return is_ready(self.port)


def is_ready(port: int) -> bool:
    """Whether the service on this port answers 200 to `GET /health/ready`."""
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
