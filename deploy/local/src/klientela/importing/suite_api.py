"""The suite's APIs as an import needs them: patient while a service starts again, plain when it refuses."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.operator_key import OPERATOR_KEY
from klientela.running import not_up, problem_of
from klientela.supervisor import announced

Answer = dict[str, Any]
Query = Mapping[str, str | int]
PAGE = 500
PATIENCE = 60.0
"""Seconds for which a service may be away: enough to be killed and started again."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0
AWAY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})


class SuiteApi:
    """The running suite of a data directory, asked with its first operator's key."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        key: str,
        *,
        patience: float = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Nothing is asked yet; tests give a transport of their own."""
        self.patience = patience
        headers = {"Authorization": f"Bearer {key}"}
        self._services = {
            name: httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False, transport=transport)
            for name, url in addresses.items()
        }

    @classmethod
    def of(cls, layout: DataDirectory) -> "SuiteApi":
        """Find the suite. Raises Refusal when it is not up."""
        announcement = announced(layout)
        if not announcement:
            raise not_up(layout)
        return cls(announcement["services"], layout.secret(OPERATOR_KEY))

    @property
    def services(self) -> tuple[str, ...]:
        """The names of all services."""
        return tuple(self._services)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._services.values():
            await client.aclose()

    async def get(self, service: str, path: str, **query: str | int) -> Answer:
        """Ask a service."""
        return await self._call(service, "GET", path, query=query)

    async def put(self, service: str, path: str, body: Answer, *, version: int) -> Answer:
        """Set something at a service, unless it has another version by now."""
        return await self._call(service, "PUT", path, json.dumps(body).encode(), {"If-Match": f'"{version}"'})

    async def make(self, service: str, path: str, body: Answer) -> Answer:
        """Have a service make something; once, also when its answer is lost on the way."""
        return await self._call(service, "POST", path, json.dumps(body).encode(), {"Idempotency-Key": str(uuid4())})

    async def send(self, service: str, path: str, body: bytes) -> Answer:
        """Send JSON to a service that does not mind hearing it twice."""
        return await self._call(service, "POST", path, body)

    async def pages(self, service: str, path: str, **query: str | int) -> AsyncIterator[dict[str, Any]]:
        """Ask for all items of a list, page by page."""
        following: dict[str, str | int] = {"limit": PAGE, **query}
        while True:
            page = await self.get(service, path, **following)
            for item in page["items"]:
                yield item
            if page.get("next") is None:
                return
            following["cursor"] = page["next"]

    async def _call(
        self,
        service: str,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        query: Query | None = None,
    ) -> Answer:
        """Call a service until it answers. Raises Refusal when it refuses, or is away for too long."""
        clock = asyncio.get_running_loop()
        deadline, pause = clock.time() + self.patience, FIRST_PAUSE
        headers = {"Content-Type": "application/json", **(headers or {})}
        while True:
            try:
                answer = await self._services[service].request(
                    method, path, headers=headers, content=body, params=query
                )
                if answer.is_success:
                    return dict(answer.json())
                trouble = problem_of(answer).reason
                if answer.status_code not in AWAY:
                    raise Refusal(f"The service {service} refused {method} {path}: {trouble}")
            except httpx.TransportError as error:
                trouble = str(error) or type(error).__name__
            if clock.time() > deadline:
                raise Refusal(f"The service {service} does not answer ({trouble}). Look at `klientela status`.")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
