"""The versions of the programme: rows that are added and never changed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from chassis.effects import TimerFired
from chassis.events.unit import Unit
from chassis.locks import claim, share
from loyalty.domain import FIRST_PROGRAMME, Programmes, Terms
from schemas.loyalty import PROGRAMME, Programme, ProgrammeChanged

LOCK = "programme"
NOW = """
    greatest((select clock_timestamp() + ahead from chassis.clock), (select max(valid_from) from programmes
    where not exists (select 1 from chassis.timers where kind = 'regrade' and due = valid_from)))
"""
"""What the time is, as SQL: a programme whose timer has fired has begun, though the clock was set back since."""
READ_NOW = f"select {NOW}"


class ProgrammeStates:
    """The one state of the programme, for those who change it, or begin what was changed."""

    def key(self, message: Terms | TimerFired) -> UUID:  # noqa: ARG002 - there is one programme
        return PROGRAMME

    async def load(self, unit: Unit, messages: Sequence[Terms | TimerFired]) -> Mapping[UUID, Programmes]:  # noqa: ARG002
        """Claim the programme, so that all whom it concerns queue up, then read its versions."""
        await claim(unit.connection, LOCK)
        return {PROGRAMME: await read_programmes(unit)}

    async def save(self, unit: Unit, states: Sequence[Programmes]) -> None:
        for programmes in states:
            await _add(unit, programmes.versions)


programmes = ProgrammeStates()


async def share_programmes(unit: Unit) -> Programmes:
    """Return all versions, kept from change: after the accounts, so that a regrading misses none of them."""
    await share(unit.connection, LOCK)
    return await read_programmes(unit)


async def read_programmes(unit: Unit) -> Programmes:
    """Return all versions as they are seen at this very moment, unlocked.

    Not as of the unit's beginning: who had to wait while a programme began would go by the one before.
    """
    return Programmes(await list_programmes(unit), await unit.connection.fetchval(READ_NOW))


async def list_programmes(unit: Unit, after: int = 0, limit: int | None = None) -> list[Programme]:
    """Return the versions after one, all if no limit is set, the first one first."""
    rows = await unit.connection.fetch(
        "select version, rates, tiers, valid_from from programmes where version > $1::bigint order by version limit $2",
        after,
        limit,
    )
    return [
        Programme(
            rates=orjson.loads(row["rates"]), tiers=orjson.loads(row["tiers"]),
            valid_from=row["valid_from"], version=row["version"],
        )
        for row in rows
    ]  # fmt: skip


async def count_programmes(unit: Unit) -> int:
    """Return how many versions there are."""
    return int(await unit.connection.fetchval("select count(*) from programmes"))


async def put_in_first_programme(unit: Unit) -> None:
    """Give a new database the programme that every suite starts with, and say so."""
    if await _add(unit, [FIRST_PROGRAMME]):
        unit.publish(ProgrammeChanged(programme=FIRST_PROGRAMME))


async def _add(unit: Unit, versions: Sequence[Programme]) -> int:
    """Add the versions that are not there yet; return how many."""
    dumped = [programme.model_dump(mode="json") for programme in versions]
    added = await unit.connection.fetch(
        "insert into programmes (version, rates, tiers, valid_from)"
        " select * from unnest($1::int[], $2::jsonb[], $3::jsonb[], $4::timestamptz[])"
        " on conflict do nothing returning version",
        [programme.version for programme in versions],
        [orjson.dumps(fields["rates"]).decode() for fields in dumped],
        [orjson.dumps(fields["tiers"]).decode() for fields in dumped],
        [programme.valid_from for programme in versions],
    )
    return len(added)
