"""`klientela import orders FILE`: the whole way of a history of orders into the suite."""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID

from klientela.errors import Refusal
from klientela.importing.channel import ensure_rate, import_channels, make_channel, refuse_a_second_coming
from klientela.importing.checkpoint import Checkpoint, imports_folder
from klientela.importing.history import History, Tally, rejects_file, written_anew
from klientela.importing.outcome import Outcome, outcome_of
from klientela.importing.progress import Progress
from klientela.importing.quiet import worked_off
from klientela.importing.sending import Sending
from klientela.importing.suite_api import SuiteApi
from klientela.importing.telling import Telling, orders_of, telling_of
from klientela.layout import DataDirectory
from klientela.sheet import RowWriter

INTERRUPTED = 130


@dataclass(frozen=True)
class Wishes:
    """How the history is to be understood; without a name the channel and the rejected rows are named by the file.

    Raises Refusal for what cannot be meant.
    """

    rate: Decimal | None
    currency: str | None = None
    channel: str | None = None
    rejected: Path | None = None
    correct: bool = False
    undo: bool = False

    def __post_init__(self) -> None:
        if self.currency is not None and not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise Refusal(f"{self.currency} is no currency. --currency takes three capital letters, such as CZK.")
        if self.channel is not None and not self.channel.strip():
            raise Refusal("A channel needs a name: --channel cannot be empty.")
        if self.correct and self.undo:
            raise Refusal("--correct and --undo are opposites: give one of them.")


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
            telling, outcome = asyncio.run(run.whole_way(api))
        except KeyboardInterrupt:
            progress.tell("Stopped. What was sent stays; the same command goes on from there.")
            return INTERRUPTED
    if history.tally.rejected:
        progress.tell(f"{history.tally.rejected} rejected rows, each with its line and reason: {run.rejected}")
    told = report(history.tally, telling, outcome, time.monotonic() - started)
    print(json.dumps(told) if as_json else sentence(told, taken_back=wishes.undo), flush=True)
    if outcome.missing:
        progress.tell(f"{outcome.missing} orders are not there as the file has them. Look at `klientela dead-letters`.")
    return 1 if outcome.missing else 0


def report(tally: Tally, telling: Telling, outcome: Outcome, seconds: float) -> dict[str, Any]:
    """The line of the contract."""
    revenue = tally.revenue if telling.state == "paid" else Decimal(0)
    return {
        "orders": tally.orders,
        "refunds": tally.refunds,
        "clients": outcome.clients,
        "lines": tally.lines,
        "rejected": tally.rejected,
        "revenue": {"amount": f"{revenue:f}", "currency": telling.currency},
        "points": outcome.points,
        "seconds": round(seconds, 1),
    }


def sentence(told: dict[str, Any], *, taken_back: bool) -> str:
    """The line of the contract as people say it."""
    revenue = told["revenue"]
    return (
        f"{'Taken back: ' if taken_back else ''}{counted(told['orders'], 'order')} and"
        f" {counted(told['refunds'], 'refund')} of {counted(told['clients'], 'client')}, with"
        f" {counted(told['points'], 'point')}{' left' if taken_back else ''};"
        f" revenue {Decimal(revenue['amount']):,} {revenue['currency']};"
        f" {counted(told['lines'], 'line')}, {told['rejected']:,} of them rejected; {told['seconds']:,} s."
    )


def counted(count: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "order"), counted(4_060, "point")
    ('1 order', '4,060 points')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


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

    async def whole_way(self, api: SuiteApi) -> tuple[Telling, Outcome]:
        """Prepare, send, wait, ask."""
        async with api:
            with rejects_file(self.rejected, self.history.source.path) as rejects:
                channel, telling = await self.prepare(api)
                told = await self.send(api, channel, telling, written_anew(rejects, self.history.source))
            self.progress.working_off()
            await worked_off(api, self.progress.left)
            return telling, await outcome_of(api, channel, telling, told)

    async def prepare(self, api: SuiteApi) -> tuple[UUID, Telling]:
        """Decide how the orders are told, and see that there are a rate and a channel before the first is sent."""
        survey, wishes = self.history.survey, self.wishes
        name = (wishes.channel or f"import {self.history.source.name}").strip()
        channels = await import_channels(api)
        channel = channels.get(name)
        there = await orders_of(api, channel) if channel else {}
        known = {number: there[number] for number in survey.ends if number in there}
        usual = {order.currency for order in there.values()}
        now = datetime.now(UTC)
        if not channel and not wishes.channel:
            await refuse_a_second_coming(api, channels, survey.ends)
        telling = telling_of(known, wishes.currency, now, usual=usual, correct=wishes.correct, undo=wishes.undo)
        if not wishes.undo:
            await ensure_rate(api, telling.currency, wishes.rate, self.progress.tell)
        way = "are taken back from" if wishes.undo else "go into"
        what = f"{survey.lines} lines of {len(survey.ends)} invoices in {telling.currency}"
        self.progress.tell(f"{what} {way} the import channel “{name}”.")
        return channel or await make_channel(api, name), telling

    async def send(self, api: SuiteApi, channel: UUID, telling: Telling, rejects: RowWriter) -> Mapping[str, datetime]:
        """Send what the service has not got yet; the revision of each order."""
        self.progress.sending(len(self.history.survey.ends))
        with Checkpoint.of(self.layout, channel) as checkpoint:
            sending = Sending(api, channel, checkpoint, self.progress.passed, telling.known)
            await sending.send(self.history.letters(telling, rejects))
        if sending.known:
            self.progress.tell(f"{sending.known} of {len(sending.told)} orders had been sent before.")
        return sending.told
