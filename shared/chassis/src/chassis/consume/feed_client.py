"""Reading other services' event feeds over HTTP."""

from collections.abc import Callable, Sequence

import httpx

from chassis.consume.journal import Lost
from chassis.events.log import FeedPage, Head
from chassis.events.record import Position, from_json

PAGE = 500


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
        found = response.raise_for_status().json()
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
        return {int(lane): Head(**head) for lane, head in response.raise_for_status().json()["heads"].items()}
