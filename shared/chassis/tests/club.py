"""A second toy service: a club whose members all have their turn when somebody calls a meeting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.effects import StartJob, Turn
from chassis.errors import Rejected
from chassis.events.unit import Effect, Unit
from chassis.service import Service
from schemas.ids import derive
from schemas.loyalty import Account, PointsEarned
from schemas.orders import OrderPlaced

CALLER = derive("caller")


@dataclass(slots=True)
class Member:
    """How often somebody had their turn."""

    id: UUID
    turns: int

    def say(self) -> PointsEarned:
        return PointsEarned(
            account=Account(client_id=self.id, points=self.turns, tier="bronze", version=self.turns), points=1
        )


class Members:
    def key(self, message: OrderPlaced | Turn) -> UUID:
        return message.key if isinstance(message, Turn) else message.partition_key

    async def load(self, unit: Unit, messages: Sequence[OrderPlaced | Turn]) -> Mapping[UUID, Member]:
        ids = [self.key(message) for message in messages]
        rows = await unit.connection.fetch(
            "select id, turns from member where id = any($1::uuid[]) order by id for update", ids
        )
        return {each: Member(each, 0) for each in ids} | {row["id"]: Member(*row) for row in rows}

    async def save(self, unit: Unit, states: Sequence[Member]) -> None:
        await unit.connection.execute(
            "update member m set turns = n.turns from unnest($1::uuid[], $2::int[]) n(id, turns) where m.id = n.id",
            [member.id for member in states],
            [member.turns for member in states],
        )


async def next_members(unit: Unit, lane: int, after: UUID, limit: int) -> list[UUID]:
    rows = await unit.connection.fetch(
        "select id from member where lane = $1 and id > $2 order by id limit $3", lane, after, limit
    )
    return [row["id"] for row in rows]


members = Members()
club = Service("club", states=(members,), publishes=(PointsEarned,))


@club.on_start
async def make_tables(unit: Unit) -> None:
    """Make the table of the toy; a real service has migrations."""
    await unit.connection.execute("create table member (id uuid primary key, lane smallint, turns int)")


@club.on(OrderPlaced, state=members)
def call_meeting(member: Member, placed: OrderPlaced) -> Iterable[Effect]:
    """Have everybody's turn; from a thousand on it says so, too."""
    if placed.order.total.amount >= 1000:
        member.turns = 1
        yield member.say()
    yield StartJob("meeting", placed.order.id)
    if placed.order.total.amount == 666:
        message = "the number of the beast"
        raise Rejected(message)


@club.job("meeting", state=members, page=next_members)
def take_turn(member: Member, _: Turn) -> Iterable[Effect]:
    """Count turns; the thirteenth is refused."""
    member.turns += 1
    if member.turns == 13:
        message = "not the thirteenth"
        raise Rejected(message)
    yield member.say()
