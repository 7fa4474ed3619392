"""The lead of reminders, and the devices that were planned with another one."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.events.unit import Unit
from chassis.locks import claim, share
from service_desk.domain import ChangeLead, Lead

LOCK = "lead"


class Leads:
    """The one setting, for those who change it."""

    def key(self, message: ChangeLead) -> str:  # noqa: ARG002 - there is one lead
        return "lead"

    async def load(self, unit: Unit, messages: Sequence[ChangeLead]) -> Mapping[str, Lead]:  # noqa: ARG002
        await claim(unit.connection, LOCK)
        return {"lead": await read_lead(unit)}

    async def save(self, unit: Unit, states: Sequence[Lead]) -> None:
        await unit.connection.execute(
            "update settings set lead_months = n.months, version = n.version"
            " from unnest($1::int[], $2::int[]) n(months, version) where settings.version < n.version",
            [lead.months for lead in states],
            [lead.version for lead in states],
        )


leads = Leads()


async def read_lead(unit: Unit) -> Lead:
    """Return the setting, unlocked."""
    row = await unit.connection.fetchrow("select lead_months, version from settings")
    return Lead(*row or (1, 1))


async def share_lead(unit: Unit) -> Lead:
    """Return the setting, kept from change: after the devices, so that a replanning misses none of them."""
    await share(unit.connection, LOCK)
    return await read_lead(unit)


async def planned_otherwise(unit: Unit, lane: int, after: UUID, limit: int) -> list[UUID]:
    """Return the devices of a lane whose notice was planned with another lead."""
    rows = await unit.connection.fetch(
        "select id from devices where lane = $1 and id > $2 and notice_at is not null"
        " and notice_lead <> (select lead_months from settings) order by id limit $3",
        lane,
        after,
        limit,
    )
    return [row["id"] for row in rows]
