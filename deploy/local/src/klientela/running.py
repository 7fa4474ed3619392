"""How commands reach a running suite: the services' addresses, the first operator's key, the databases."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import psutil

from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.operator_key import OPERATOR_KEY
from klientela.orphans import left_behind
from klientela.processes import ProcessRecord
from klientela.services import SERVICES, Service
from klientela.supervisor import Start, announced, supervisor_of

PATIENCE = 30.0
PAGE = 500
"""Items of a list that are asked for at once; no list gives more."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class RunningSuite:
    """A suite that is up: ``services`` are base addresses and ``databases`` DSNs, both by the services' names.

    The DSN of a database of the user's own is not known while its service is down.
    """

    services: Mapping[str, str]
    key: str = field(repr=False)
    databases: Mapping[str, str] = field(repr=False, default_factory=dict)

    @classmethod
    def of(cls, layout: DataDirectory) -> "RunningSuite":
        """The suite that runs from this data directory. Raises Refusal when none does."""
        found = announced(layout)
        if found is None:
            raise not_up(layout)
        databases = {service.name: database_of(layout, service, found["postgres"]) for service in SERVICES}
        return cls(found["services"], layout.secret(OPERATOR_KEY), databases)

    def with_key(self, key: str) -> "RunningSuite":
        """The same suite, asked with another key."""
        return replace(self, key=key)

    @contextmanager
    def apis(self) -> Iterator["Apis"]:
        """Open the services' APIs with the operator's key; closed afterwards."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(headers=headers, timeout=PATIENCE, trust_env=False) as client:
            yield Apis(self.services, client)


def not_up(layout: DataDirectory) -> Refusal:
    """Say why no suite can be asked, and what to do about it."""
    if supervisor_of(layout):
        return Refusal(f"The suite in {layout.root} is being started or stopped. Try again in a moment.")
    if names := left_behind(layout):
        return Refusal(
            f"The supervisor of the suite in {layout.root} has died; {', '.join(names)} go on without it. "
            "`klientela up` ends them and starts all again; nothing is lost."
        )
    return Refusal(f"No suite is up in {layout.root}. Start it with `klientela up`, or name another --data.")


def database_of(layout: DataDirectory, service: Service, cluster: str | None) -> str:
    """The DSN of a service's database, as its process was told; while it is down, as it will be told."""
    record = ProcessRecord.read(layout.run / f"{service.name}.json")
    process = record.process() if record else None
    try:
        told = process.environ().get(service.database_variable) if process else None
    except psutil.Error:
        told = None
    start = Start.read(layout)
    if told or not cluster or (start and service.name in start.elsewhere):
        return told or os.environ.get(service.database_variable, "")
    word = layout.secret(f"{service.name}-database-password")
    place = urlsplit(cluster)
    return f"postgresql://{service.database}:{word}@{place.hostname}:{place.port}/{service.database}"


class Refused(Refusal):
    """A service said no; ``status`` is its HTTP status, ``slug`` the end of the problem's type."""

    def __init__(self, sentence: str, status: int = 0, slug: str = "") -> None:
        super().__init__(sentence)
        self.status, self.slug = status, slug


class Apis:
    """The services' APIs by name, speaking JSON; every refusal is a sentence."""

    def __init__(self, addresses: Mapping[str, str], client: httpx.Client) -> None:
        self.addresses, self._client = addresses, client

    def get(self, service: str, path: str, **query: str | int | tuple[str, ...]) -> Answer:
        """The answer to a GET. Raises Refused."""
        return self.ask("GET", service, path, query=query)

    def ask(
        self,
        method: str,
        service: str,
        path: str,
        *,
        query: Mapping[str, str | int | tuple[str, ...]] | None = None,
        body: object = None,
    ) -> Answer:
        """The JSON answer to a request. Raises Refused with the service's own reason."""
        try:
            answer = self._client.request(method, self.addresses[service] + path, params=query, json=body)
        except httpx.HTTPError as error:
            raise Refused(
                f"The service {service} does not answer ({type(error).__name__}). Is the suite up?"
            ) from error
        if answer.is_success:
            said: Answer = answer.json()
            return said
        raise refusal_of(service, answer)

    def pages(self, service: str, path: str, **query: str | int | tuple[str, ...]) -> Iterator[Answer]:
        """All items of a list, page by page. Raises Refused."""
        query["limit"] = PAGE
        while True:
            page = self.get(service, path, **query)
            yield from page["items"]
            if not page["next"]:
                return
            query["cursor"] = page["next"]


class Problem(NamedTuple):
    """What a service says is wrong: the end of the problem's type, and a reason with all faulty fields (RFC 9457)."""

    slug: str
    reason: str


def problem_of(answer: httpx.Response) -> Problem:
    """Read an answer that is no success."""
    try:
        problem = answer.json()
        slug = str(problem["type"]).rpartition("/")[2]
        faults = "; ".join(
            f"{fault.get('field', '')}: {fault.get('message', '')}" for fault in problem.get("errors") or ()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Problem("", f"HTTP status {answer.status_code}")
    detail = str(problem.get("detail", "")).rstrip(".")
    return Problem(slug, ". ".join(part for part in (detail, faults) if part) or slug)


def refusal_of(service: str, answer: httpx.Response) -> Refused:
    """The sentence for an answer that is no success."""
    slug, reason = problem_of(answer)
    hint = (
        " `klientela up` gives the first operator a new key." if answer.status_code == HTTPStatus.UNAUTHORIZED else ""
    )
    return Refused(f"The service {service} refused: {reason}.{hint}", answer.status_code, slug)
