"""Opportunities, opened once by their id."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import orjson

from chassis.database import Connection
from chassis.events.unit import Unit
from orders.domain.opportunity import Lead, Reason
from schemas.automation import OpportunityRequested
from schemas.orders import Opportunity


class Stored(NamedTuple):
    """An opportunity, why it is there and since when."""

    opportunity: Opportunity
    reason: Reason
    opened_at: datetime


class Opportunities:
    """One opportunity by the id of the request for it."""

    def key(self, message: object) -> UUID | None:
        return message.request_id if isinstance(message, OpportunityRequested) else None

    async def load(self, unit: Unit, messages: Sequence[object]) -> dict[UUID, Lead]:
        keys = sorted({key for message in messages if (key := self.key(message))})
        rows = await unit.connection.fetch(
            "select * from opportunities where id = any($1::uuid[]) order by id for update", keys
        )
        return {key: Lead(key) for key in keys} | {row["id"]: Lead(row["id"], *_stored(row)[:2]) for row in rows}

    async def save(self, unit: Unit, states: Sequence[Lead]) -> None:
        now = await unit.now()
        rows = [
            _row(lead.opportunity, lead.reason, now)
            for lead in states
            if lead.changed and lead.opportunity and lead.reason
        ]
        if rows:
            await unit.connection.execute(
                "insert into opportunities select * from jsonb_populate_recordset(null::opportunities, $1::jsonb)",
                orjson.dumps(rows).decode(),
            )


async def list_opportunities(
    connection: Connection, client_id: UUID | None, limit: int, after: tuple[datetime, UUID] | None
) -> list[Stored]:
    """Return a page of opportunities, newest first, and one more than asked for if there is."""
    rows = await connection.fetch(
        "select * from opportunities where ($1::uuid is null or client_id = $1)"
        " and ($2::timestamptz is null or (opened_at, id) < ($2, $3::uuid))"
        " order by opened_at desc, id desc limit $4",
        client_id,
        *(after or (None, None)),
        limit + 1,
    )
    return [_stored(row) for row in rows]


async def count_opportunities(connection: Connection, client_id: UUID | None) -> int:
    """Return how many opportunities there are."""
    count: int = await connection.fetchval(
        "select count(*) from opportunities where ($1::uuid is null or client_id = $1)", client_id
    )
    return count


def _stored(row: asyncpg.Record) -> Stored:
    value = None if row["value"] is None else {"amount": row["value"], "currency": row["currency"]}
    opportunity = Opportunity.model_validate({**row, "value": value, "items": orjson.loads(row["items"])})
    return Stored(opportunity, Reason.model_validate_json(row["cause"]), row["opened_at"])


def _row(opportunity: Opportunity, reason: Reason, now: datetime) -> dict[str, object]:
    value = opportunity.value
    return opportunity.model_dump(mode="json", exclude={"value"}) | {
        "value": str(value.amount) if value else None,
        "currency": value.currency if value else None,
        "cause": reason.model_dump(mode="json"),
        "opened_at": now,
    }


opportunities = Opportunities()
