"""Sending orders: a few calls under way at once, what was sent before left out."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from klientela.importing.checkpoint import Checkpoint
from klientela.importing.suite_api import SuiteApi
from klientela.importing.telling import Known
from klientela.importing.wire import Batch, Letter, batches

UNDER_WAY = 4


@dataclass
class Sending:
    """The way of orders into one channel; `passed` is told how many more are done with, sent now or before.

    `known` counts those that were sent before and are there, and `told` has the revision of each order of the file.
    """

    api: SuiteApi
    channel: UUID
    checkpoint: Checkpoint
    passed: Callable[[int], None]
    there: Mapping[str, Known] = field(default_factory=dict)
    known: int = 0
    told: dict[str, datetime] = field(default_factory=dict)

    async def send(self, letters: Iterable[Letter]) -> None:
        """Send all that were not sent before; the file is read in a thread while calls are under way."""
        prepared = batches(self.unsent(letters))
        calls: set[asyncio.Task[None]] = set()
        try:
            while batch := await asyncio.to_thread(next, prepared, None):
                calls.add(asyncio.create_task(self.call(batch)))
                if len(calls) >= UNDER_WAY:
                    calls = await settled(calls, asyncio.FIRST_COMPLETED)
            await settled(calls, asyncio.ALL_COMPLETED)
        finally:
            for call in calls:
                call.cancel()

    def unsent(self, letters: Iterable[Letter]) -> Iterator[Letter]:
        """Leave out what the checkpoint knows, unless the service has forgotten it."""
        for letter in letters:
            self.told[letter.number] = letter.revision
            there = self.there.get(letter.number)
            if letter.digest in self.checkpoint.sent and there and there.revised_at >= letter.revision:
                self.known += 1
                self.passed(1)
            else:
                yield letter

    async def call(self, batch: Batch) -> None:
        """Send one batch, and remember it once the service has it."""
        await self.api.send("orders", f"/v1/channels/{self.channel}/orders", batch.body)
        self.checkpoint.add(letter.digest for letter in batch.letters)
        self.passed(len(batch.letters))


async def settled(calls: set[asyncio.Task[None]], until: str) -> set[asyncio.Task[None]]:
    """Wait for calls, pass on the first failure, and return those still under way."""
    if not calls:
        return calls
    done, left = await asyncio.wait(calls, return_when=until)
    for call in done:
        call.result()
    return left
