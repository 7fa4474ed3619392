"""A toy service for the chassis' own tests: a till that counts what clients' orders come to, and says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID, uuid4

import pytest
from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict

from chassis.effects import SetTimer, TimerFired
from chassis.errors import Later, NotFound, Rejected, VersionMismatch
from chassis.events.unit import Effect, Unit
from chassis.service import Intake, Service
from chassis.testing import bench_of
from chassis.web.paging import Cursor, read_cursor, text
from chassis.web.preconditions import Expected
from chassis.web.route import Administers, Manages, Reads, Writes, router
from schemas.automation import PointsAwardRequested
from schemas.ids import derive
from schemas.loyalty import Account, PointsEarned, TierReached
from schemas.orders import Order, OrderPaid, OrderPlaced
from schemas.values import Identity, Money
from shared.chassis.tests.publishing import moved
from shared.chassis.tests.stand_ins import owner, topic

__all__ = ["moved", "owner", "topic"]

CLIENT = UUID(int=77)
COUNTED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Till:
    """What one client's orders came to."""

    client: UUID
    total: int = 0
    version: int = 0


class Tills:
    def key(self, message: OrderPlaced | OrderPaid | PointsAwardRequested | TimerFired) -> UUID:
        return message.subject if isinstance(message, TimerFired) else message.partition_key

    async def load(self, unit: Unit, messages: Sequence[OrderPlaced]) -> Mapping[UUID, Till]:
        clients = sorted({self.key(message) for message in messages})
        await unit.connection.execute(
            "insert into till select client, 0, 0 from unnest($1::uuid[]) client on conflict do nothing", clients
        )
        rows = await unit.connection.fetch(
            "select client, total, version from till where client = any($1::uuid[]) order by client for update", clients
        )
        return {row["client"]: Till(*row) for row in rows}

    async def save(self, unit: Unit, states: Sequence[Till]) -> None:
        await unit.connection.execute(
            "update till t set total = n.total, version = n.version"
            " from unnest($1::uuid[], $2::int[], $3::int[]) n(client, total, version) where t.client = n.client",
            [till.client for till in states],
            [till.total for till in states],
            [till.version for till in states],
        )


tills = Tills()
till_service = Service("till", states=(tills,), publishes=(PointsEarned,))


@till_service.on(OrderPlaced, state=tills)
def count(till: Till, placed: OrderPlaced) -> Iterable[Effect]:
    """Add an order's total; odd sums are refused, thirteen waits for a till that has something."""
    amount = int(placed.order.total.amount)
    till.total += amount
    if amount == 666:
        message = "the number of the beast"
        raise Rejected(message)
    if amount == 13 and till.total == 13:
        message = "not as the first"
        raise Later(message)
    till.version += 1
    account = Account(client_id=till.client, points=till.total, tier="bronze", version=till.version)
    yield PointsEarned(account=account, points=max(amount, 1), order_id=placed.order.id)


@till_service.on(OrderPaid, state=tills)
def remind(till: Till, paid: OrderPaid) -> Iterable[Effect]:
    """Ask to be woken for the client; from a thousand on it says so, too."""
    if paid.order.total.amount >= 1000:
        till.version += 1
        account = Account(client_id=till.client, points=till.total, tier="bronze", version=till.version)
        yield TierReached(account=account, previous="bronze")
    yield SetTimer("reminder", till.client, paid.order.placed_at)


@till_service.timer("reminder", state=tills)
def wake(till: Till, fired: TimerFired) -> Iterable[Effect]:
    """Count a firing as one."""
    till.total += 1
    till.version += 1
    account = Account(client_id=fired.subject, points=till.total, tier="bronze", version=till.version)
    yield PointsEarned(account=account, points=1)


@till_service.on(PointsAwardRequested, state=tills, once=True)
def award(till: Till, asked: PointsAwardRequested) -> Iterable[Effect]:
    """Give what is asked for, once for each request."""
    till.total += asked.points
    return ()


def read_slip(intake: Intake) -> OrderPlaced:
    if intake.body == b"torn":
        message = "torn"
        raise Rejected(message)
    return OrderPlaced(order=order_of(CLIENT, int(intake.body)))


till_service.intake("slip", parse=read_slip, state=tills)(count)


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str


class TillView(BaseModel):
    client: UUID
    total: int
    version: int


class BusyTill(TillView):
    version_tells_all: ClassVar[bool] = False

    notes: int


routes = router("notes")


@till_service.on_start
async def make_tables(unit: Unit) -> None:
    """Make the tables of the toy; a real service has migrations."""
    await unit.connection.execute("create table if not exists till (client uuid primary key, total int, version int)")
    await unit.connection.execute("create table if not exists note (text text)")


async def write_note(unit: Unit, text: str) -> dict[str, str]:
    await unit.connection.execute("insert into note values ($1)", text)
    account = Account(client_id=CLIENT, points=0, tier="bronze", version=1)
    unit.publish(PointsEarned(account=account, points=1))
    return {"text": text}


@routes.get("/notes")
async def read_notes(unit: Reads, cursor: Cursor = None) -> int:
    after = read_cursor(cursor, text) if cursor else [""]
    count: int = await unit.connection.fetchval("select count(*) from note where text > $1", *after)
    return count


@routes.post("/notes")
async def post_note(unit: Writes, note: Note) -> dict[str, str]:
    return await write_note(unit, note.text)


def till_named(client: UUID, colour: Literal["red", "blue"] = "red") -> str:
    return f"{client} {colour}"


@routes.get("/tills/{client}")
async def read_till(unit: Reads, client: UUID, name: Annotated[str, Depends(till_named)]) -> TillView:
    found = await unit.connection.fetchrow("select client, total, version from till where client = $1", client)
    if found is None:
        raise NotFound(name)
    return TillView(**found)


@routes.get("/tills/{client}/busy")
async def read_busy_till(unit: Reads, client: UUID) -> BusyTill:
    found = await unit.connection.fetchrow(
        "select *, (select count(*) from note) notes from till where client = $1", client
    )
    return BusyTill.model_validate(dict(found or {}))


@routes.post("/tills/{client}/pay", status_code=201)
async def pay(unit: Writes, client: UUID, expected: Expected, amount: Annotated[int, Query(gt=0)] = 1) -> TillView:
    await unit.connection.execute("insert into till values ($1, 0, 0) on conflict do nothing", client)
    found = await unit.connection.fetchrow(
        "update till set total = total + $2, version = version + 1"
        " where client = $1 and version = coalesce($3, version) returning client, total, version",
        client,
        amount,
        expected,
    )
    if found is None:
        raise VersionMismatch
    return TillView(**found)


@routes.post("/manage")
async def manage(unit: Manages, note: Note) -> dict[str, str]:
    return await write_note(unit, note.text)


@routes.post("/administer")
async def administer(unit: Administers, note: Note) -> dict[str, str]:
    return await write_note(unit, note.text)


@routes.post("/fail")
async def fail(unit: Writes, note: Note) -> None:
    await write_note(unit, note.text)
    raise ArithmeticError(note.text)


till_service.routers.append(routes)
bench = bench_of(till_service)


def order_of(client: UUID, total: int) -> Order:
    number = uuid4()
    return Order(
        id=number, channel_id=derive("channel"), external_id=str(number), number="1", client_id=client,
        identity=Identity(kind="order", value=str(number)), state="open",
        total=Money(amount=Decimal(total), currency="CZK"), refunded=Money(amount=Decimal(0), currency="CZK"),
        placed_at=COUNTED, revised_at=COUNTED, version=1,
    )  # fmt: skip


@pytest.fixture
def placed() -> object:
    """Make an ``OrderPlaced`` of a client with a total."""
    return lambda client, total: OrderPlaced(order=order_of(client, total))


@pytest.fixture
def paid() -> object:
    """Make an ``OrderPaid`` of a client."""
    return lambda client, total: OrderPaid(order=order_of(client, total))
