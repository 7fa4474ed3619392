"""Runs: only ever added, and known again by the event's id, which a rewind of its owner does not change."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import orjson

from automation.domain.run import Run, Trace
from automation.domain.trigger import client_of
from chassis.events.unit import Unit
from schemas.event import Event


class Traces:
    """Runs that the events of a batch have had before, by client; the lock on the client's facts guards them."""

    def key(self, message: Event) -> UUID | None:
        return client_of(message)

    async def load(self, unit: Unit, messages: Sequence[Event]) -> Mapping[UUID, Trace]:
        rows = await unit.connection.fetch(
            "select id from runs where event_id = any($1::uuid[])", [message.event_id for message in messages]
        )
        now, known = await unit.now(), {row["id"] for row in rows}
        return {client: Trace(client, now, known) for message in messages if (client := client_of(message))}

    async def save(self, unit: Unit, states: Sequence[Trace]) -> None:
        new = [run for trace in states for run in trace.new]
        if new:
            await unit.connection.copy_records_to_table(
                "runs",
                columns=(
                    "id", "rule_id", "rule_version", "client_id", "event_id", "event_type", "subject",
                    "subject_version", "source", "lane", "sequence", "outcome", "steps", "at",
                ),
                records=[_row(run) for run in new],
            )  # fmt: skip


async def list_runs(
    unit: Unit, before: int, limit: int, *, client_id: UUID | None, rule_id: UUID | None
) -> list[asyncpg.Record]:
    """Return runs before a number, the newest first."""
    return await unit.connection.fetch(
        "select * from runs where number < $1 and ($3::uuid is null or client_id = $3)"
        " and ($4::uuid is null or rule_id = $4) order by number desc limit $2",
        before,
        limit,
        client_id,
        rule_id,
    )


async def count_runs(unit: Unit, *, client_id: UUID | None, rule_id: UUID | None) -> int:
    """Return how many runs there are."""
    return int(
        await unit.connection.fetchval(
            "select count(*) from runs where ($1::uuid is null or client_id = $1)"
            " and ($2::uuid is null or rule_id = $2)",
            client_id,
            rule_id,
        )
    )


def _row(run: Run) -> tuple[object, ...]:
    occasion = run.occasion
    steps = [
        {"id": step.action_id, "action": step.action, "request_id": step.request_id, "reason": step.reason or None}
        for step in run.steps
    ]
    return (
        occasion.run_id, occasion.rule.rule_id, occasion.rule.version, occasion.client_id, occasion.event_id,
        occasion.event.event_type, occasion.event.subject_id, occasion.event.subject_version, run.source, run.lane,
        run.sequence, run.outcome, orjson.dumps(steps).decode(), occasion.at,
    )  # fmt: skip
