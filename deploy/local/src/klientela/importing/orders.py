"""`klientela import orders FILE`: the whole way of a history of orders into the suite."""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID

from klientela.errors import Refusal
from klientela.importing.channel import ensure_rate, find_or_make_channel
from klientela.importing.checkpoint import Checkpoint, imports_folder
from klientela.importing.history import History, RowWriter, rejects_file
from klientela.importing.outcome import Outcome, count_orders, outcome_of
from klientela.importing.progress import Progress
from klientela.importing.quiet import look, worked_off
from klientela.importing.sending import Sending
from klientela.importing.suite_api import SuiteApi
from klientela.layout import DataDirectory

INTERRUPTED = 130


@dataclass(frozen=True)
class Wishes:
    """How the history is to be understood; without a name the channel and the rejected rows are named by the file."""

    currency: str
    rate: Decimal | None
    channel: str | None = None
    rejected: Path | None = None

    @classmethod
    def of(cls, currency: str, rate: str, channel: str | None, rejected: Path | None) -> "Wishes":
        """Read what was typed. Raises Refusal for what cannot be meant."""
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise Refusal(f"{currency} is no currency. --currency takes three capital letters, such as GBP or CZK.")
        if channel is not None and not channel.strip():
            raise Refusal("A channel needs a name: --channel cannot be empty.")
        return cls(currency, rate_of(rate), channel and channel.strip(), rejected)


def rate_of(text: str) -> Decimal | None:
    """The money that is worth a point, or nothing for `none`. Raises Refusal."""
    if text == "none":
        return None
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or rate < Decimal("0.01"):
        raise Refusal(f"{text} is no rate. --rate takes what is worth one point, such as 10, or none.")
    return rate


def import_orders(layout: DataDirectory, file: Path, wishes: Wishes, *, as_json: bool) -> int:
    """Import a history, wait until the suite has worked it off, print what came of it; the exit code."""
    started = time.monotonic()
    with Progress() as progress:
        try:
            api = SuiteApi.of(layout)
            history = History.of(file)
            run = Run(layout, history, wishes, progress)
            outcome = asyncio.run(run.whole_way(api))
        except KeyboardInterrupt:
            progress.tell("Stopped. What was sent stays; the same command goes on from there.")
            return INTERRUPTED
    if not as_json:
        progress.tell(f"Rejected rows, each with its line and reason: {run.rejected}")
    print(json.dumps(report(history, wishes, outcome, time.monotonic() - started)), flush=True)
    missing = history.tally.invoices - outcome.orders
    if missing > 0:
        progress.tell(f"{missing} orders did not become orders. Look at `klientela dead-letters`.")
    return 1 if missing > 0 else 0


def report(history: History, wishes: Wishes, outcome: Outcome, seconds: float) -> dict[str, Any]:
    """The line of the contract."""
    tally = history.tally
    return {
        "orders": tally.orders,
        "refunds": tally.refunds,
        "clients": outcome.clients,
        "lines": tally.lines,
        "rejected": tally.rejected,
        "revenue": {"amount": f"{tally.revenue:f}", "currency": wishes.currency},
        "points": outcome.points,
        "seconds": round(seconds, 1),
    }


@dataclass
class Run:
    """One run of an import."""

    layout: DataDirectory
    history: History
    wishes: Wishes
    progress: Progress

    @property
    def rejected(self) -> Path:
        """Where rejected rows are written."""
        default = imports_folder(self.layout) / f"rejected-{self.history.source.name}.csv"
        return self.wishes.rejected or default

    async def whole_way(self, api: SuiteApi) -> Outcome:
        """Prepare, send, wait, ask."""
        async with api:
            with rejects_file(self.rejected) as rejects:
                channel = await self.prepare(api)
                await self.send(api, channel, rejects)
            self.progress.working_off()
            await worked_off(api, self.progress.left)
            return await outcome_of(api, channel)

    async def prepare(self, api: SuiteApi) -> UUID:
        """See that there are a channel and a rate before the first order is sent."""
        await ensure_rate(api, self.wishes.currency, self.wishes.rate, self.progress.tell)
        name = self.wishes.channel or f"import {self.history.source.name}"
        channel = await find_or_make_channel(api, name)
        survey = self.history.survey
        self.progress.tell(f"{survey.lines} lines of {len(survey.ends)} invoices go into the channel “{name}”.")
        return channel

    async def send(self, api: SuiteApi, channel: UUID, rejects: RowWriter) -> None:
        """Send what the service has not got yet."""
        checkpoint = Checkpoint.of(self.layout, channel)
        if checkpoint.sent and await forgotten(api, channel, len(checkpoint.sent)):
            checkpoint.forget()
        self.progress.sending(len(self.history.survey.ends))
        with checkpoint:
            sending = Sending(api, channel, checkpoint, self.progress.passed)
            await sending.send(self.history.letters(self.wishes.currency, rejects))


async def forgotten(api: SuiteApi, channel: UUID, sent: int) -> bool:
    """Whether the service may have fewer orders than it once took, as with a database set back by hand."""
    backlog = await look(api)
    return await count_orders(api, channel) + backlog.intake < sent
