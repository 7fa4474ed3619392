"""Two toy services: a shop that says what was ordered, and a till that adds it up, says so, and keeps a journal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from uuid import UUID

from chassis.errors import Later, Rejected
from chassis.events.record import Cause
from chassis.events.unit import Unit
from chassis.service import Service
from schemas.event import Event
from schemas.ids import derive
from schemas.loyalty import Account, PointsEarned
from schemas.orders import Order, OrderPlaced
from schemas.values import Identity, Money

WHEN = datetime(2026, 10, 1, tzinfo=UTC)
CHANNEL, IDENTITY = derive("channel"), Identity(kind="ico", value="25596641")


@dataclass(slots=True)
class Till:
    """What one client's orders came to, and the lines of the journal that are new."""

    client: UUID
    total: int
    version: int
    heard: list[UUID] = field(default_factory=list)


class Tills:
    def key(self, message: OrderPlaced) -> UUID:
        return message.partition_key

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
        heard = [(till.client, each) for till in states for each in till.heard]
        await unit.connection.copy_records_to_table("journal", columns=("client", "event"), records=heard)


class Moods:
    """What handlers say besides deciding, by chance; nothing once it is quiet."""

    random = Random(0)
    wild = False


def shop_and_till() -> tuple[Service, Service]:
    """Return both services, each fresh."""
    shop = Service("orders", publishes=(OrderPlaced,))
    tills = Tills()
    till = Service("till", states=(tills,), publishes=(PointsEarned,))

    @till.on_start
    async def make_tables(unit: Unit) -> None:
        await unit.connection.execute(
            "create table if not exists till (client uuid primary key, total int, version int);"
            "create table if not exists journal (number bigint generated always as identity, client uuid, event uuid);"
            "create index if not exists journal_of on journal (client)"
        )

    @till.on(OrderPlaced, state=tills, cause=True)
    def count(mine: Till, placed: OrderPlaced, *, cause: Cause) -> Iterator[Event]:
        mine.total += int(placed.order.total.amount)
        mine.heard.append(cause.id)
        if Moods.wild and (chance := Moods.random.random()) < 0.06:
            message = "by chance"
            raise (Later if chance < 0.04 else Rejected)(message)
        mine.version += 1
        account = Account(client_id=mine.client, points=mine.total, tier="bronze", version=mine.version)
        yield PointsEarned(account=account, points=1, order_id=placed.order.id)

    return shop, till


def an_order(client: UUID, number: int, total: int) -> OrderPlaced:
    """Return what the shop says of one order."""
    zero = Money(amount=Decimal(0), currency="CZK")
    return OrderPlaced.model_construct(order=Order.model_construct(
        id=derive("order", client, number), channel_id=CHANNEL, external_id=str(number), number=str(number),
        client_id=client, identity=IDENTITY, state="open", total=Money(amount=Decimal(total), currency="CZK"),
        refunded=zero, placed_at=WHEN, revised_at=WHEN, version=1,
    ))  # fmt: skip
