"""The lead of reminders, and the devices that were planned with another one."""

from collections.abc import Mapping, Sequence

from chassis.effects import TimerFired
from chassis.events.unit import Unit
from service_desk.domain import ChangeLead, Lead, Replanning
from service_desk.store.device import device_of, save_devices

REPLANNED_AT_ONCE = 500


class Leads:
    """The one setting, for those who change it."""

    def key(self, message: ChangeLead) -> str:  # noqa: ARG002 - there is one lead
        return "lead"

    async def load(self, unit: Unit, messages: Sequence[ChangeLead]) -> Mapping[str, Lead]:  # noqa: ARG002
        row = await unit.connection.fetchrow("select lead_months, version from settings for update")
        return {"lead": Lead(*row or (1, 1))}

    async def save(self, unit: Unit, states: Sequence[Lead]) -> None:
        await unit.connection.execute(
            "update settings set lead_months = n.months, version = n.version"
            " from unnest($1::int[], $2::int[]) n(months, version) where settings.version < n.version",
            [lead.months for lead in states],
            [lead.version for lead in states],
        )


class Replannings:
    """The devices whose notice was planned with another lead, a page at a time."""

    def key(self, message: TimerFired) -> str:  # noqa: ARG002 - one page at a time
        return "replanning"

    async def load(self, unit: Unit, messages: Sequence[TimerFired]) -> Mapping[str, Replanning]:  # noqa: ARG002
        lead = await read_lead(unit)
        rows = await unit.connection.fetch(
            "select * from devices where notice_at is not null and notice_lead <> $1 order by id limit $2 for update",
            lead.months,
            REPLANNED_AT_ONCE,
        )
        return {"replanning": Replanning([device_of(row) for row in rows], lead.months)}

    async def save(self, unit: Unit, states: Sequence[Replanning]) -> None:
        await save_devices(unit, [device for replanning in states for device in replanning.devices])


leads = Leads()
replannings = Replannings()


async def read_lead(unit: Unit) -> Lead:
    """Return the setting, unlocked."""
    row = await unit.connection.fetchrow("select lead_months, version from settings")
    return Lead(*row or (1, 1))
