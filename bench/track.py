"""What the rows of one run share: the servers, and the suite that has worked."""

from contextlib import AsyncExitStack

from bench.recorded import Recorded, record
from bench.servers import Servers, both_servers


class Track:
    """Makes each when the first row wants it, until they are closed: then anew."""

    def __init__(self) -> None:
        """Nothing is there yet."""
        self._stack = AsyncExitStack()
        self._servers: Servers | None = None
        self._recorded: Recorded | None = None

    async def servers(self) -> Servers:
        """Return the two servers."""
        if self._servers is None:
            self._servers = await self._stack.enter_async_context(both_servers())
        return self._servers

    async def recorded(self) -> Recorded:
        """Return the suite that has worked."""
        if self._recorded is None:
            self._recorded = await self._stack.enter_async_context(record(await self.servers()))
        return self._recorded

    async def close(self) -> None:
        """End both."""
        self._servers = self._recorded = None
        await self._stack.aclose()
