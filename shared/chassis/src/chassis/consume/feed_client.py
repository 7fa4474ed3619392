"""Reading other services' event feeds over HTTP."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from chassis.consume.journal import Lost
from chassis.events.log import FeedPage, Head
from chassis.events.record import Position, from_json

PAGE = 500


class FeedUnreadable(httpx.HTTPError):
    """An owner, or something before it, answered with what is no page of a feed."""


class FeedClient:
    """Reads pages and heads of owners' logs; ``address`` gives the base address of a service."""

    def __init__(
        self, address: Callable[[str], str], token: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._address = address
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(headers=headers, timeout=20, trust_env=False, transport=transport)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def page(self, source: str, lane: int, after: Position) -> FeedPage:
        """Return the page of a lane after a position. Raises httpx.HTTPError when the owner does not answer well."""
        response = await self._http.get(
            f"{self._address(source)}/v1/events", params={"lane": lane, "after": str(after), "limit": PAGE}
        )
        with _readable(response.raise_for_status()) as found:
            records = [from_json(item) for item in found["items"]]
            return FeedPage(found["resumed"], records, Position.parse(found["position"]), found["known"])

    async def restate(self, source: str, lost: Sequence[Lost]) -> None:
        """Ask an owner to tell anew of what it took back. Raises httpx.HTTPError when it does not answer well."""
        seen = [{"type": each.type, "key": str(each.key), "subject": str(each.subject)} for each in lost]
        for start in range(0, len(seen), PAGE):
            page = {"seen": seen[start : start + PAGE]}
            response = await self._http.post(f"{self._address(source)}/v1/events/restate", json=page)
            response.raise_for_status()

    async def heads(self, source: str) -> dict[int, Head]:
        """Return where the lanes of an owner stand. Raises httpx.HTTPError when the owner does not answer well."""
        response = await self._http.get(f"{self._address(source)}/v1/events/heads")
        with _readable(response.raise_for_status()) as found:
            return {int(lane): Head(**head) for lane, head in found["heads"].items()}


@contextmanager
def _readable(response: httpx.Response) -> Iterator[Any]:
    """Read an answer. Raises FeedUnreadable for what is no JSON, or lacks what is looked for in it."""
    try:
        yield response.json()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise FeedUnreadable(type(error).__name__) from error
