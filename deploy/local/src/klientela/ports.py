"""Which port is whose, and whether it is free."""

import socket
from dataclasses import dataclass

import psutil

DEFAULT_BASE = 8100
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """The suite's ports, all counted from one base."""

    base: int = DEFAULT_BASE

    @property
    def kafka(self) -> int:
        """Where Kafka's clients connect."""
        return self.base + 90

    @property
    def controller(self) -> int:
        """Where Kafka's controller talks with itself."""
        return self.base + 91

    @property
    def postgres(self) -> int:
        """Where PostgreSQL listens."""
        return self.base + 92


def is_free(port: int) -> bool:
    """Whether a server could listen there now; connections of an ended server that linger do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports nobody uses, all different, for servers that only this process needs to find."""
    probes = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports: list[int] = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def holder(port: int) -> psutil.Process | None:
    """Who listens on the port, where the system lets us know."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,) and connection.pid:
                return psutil.Process(connection.pid)
    except (psutil.Error, PermissionError):
        return None
    return None
