"""Settings of one service process; every name begins with KLIENTELA_."""

import os
import socket
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.events.lanes import check_partitions


class MissingSetting(SystemExit):
    """A setting that has no sane default is not there."""


class Settings(BaseSettings):
    """What a process is told by its environment; nothing that matters in production has a default."""

    model_config = SettingsConfigDict(env_prefix="KLIENTELA_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = 8100
    kafka: str = "127.0.0.1:8190"
    public_keys: Path
    service_key: Path | None = None
    signing_key: Path | None = None
    public_url: str = ""
    topic_prefix: str = Field(default="", description="Before every topic and group, where a cluster is shared")
    partitions: int = Field(default=12, description="Of a topic, at least; a divisor of 48, so that lanes stay whole")
    replication: int = Field(default=-1, description="Of topics made anew; -1 leaves it to the brokers")
    instance: str = Field(default="", description="Names this process in its consumer groups; host and port if empty")
    requests_per_second: float = Field(
        default=100, gt=0, description="Of one key to one process; ten seconds' worth may come at once"
    )
    pool_size: int = Field(default=10, ge=4)
    log: str = "json"
    restore_stamp: str = ""
    migrate: bool = True
    heads_every: float = 10.0
    stalled_after: float = Field(
        default=30.0, description="Seconds that the process may stand still before it ends itself"
    )
    journal_days: int = Field(
        default=35, ge=1, description="How long is kept what was applied; an older backup is not mended by it"
    )

    @field_validator("partitions")
    @classmethod
    def _lanes_stay_whole(cls, partitions: int) -> int:
        return check_partitions(partitions)

    def database(self, service: str) -> str:
        """Return the DSN of a service's own database. Raises MissingSetting."""
        return _named(f"KLIENTELA_{service.replace('-', '_').upper()}_DATABASE")

    def url(self, service: str) -> str:
        """Return the base address of another service. Raises MissingSetting."""
        return _named(f"KLIENTELA_{service.replace('-', '_').upper()}_URL")

    def member(self) -> str:
        """Return the name of this process among its kind."""
        return self.instance or f"{socket.gethostname()}-{self.port}"

    def token(self) -> str:
        """Return the key by which this process reads other services' feeds; empty if it was given none."""
        return self.service_key.read_text().strip() if self.service_key else ""


def _named(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        message = f"{variable} is not set: give it and start again."
        raise MissingSetting(message)
    return value
