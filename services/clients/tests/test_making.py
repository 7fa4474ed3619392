"""Orders that find or make their client."""

import asyncio
from uuid import UUID

from chassis.consume.fold import fold
from chassis.events.unit import command_cause, unit_of_work
from chassis.service import Message
from chassis.testing import Bench
from clients.app import service
from schemas.clients import ClientChanged, ClientCreated, IdentityLinked
from schemas.ids import derive
from schemas.orders import OrderAssigned
from schemas.values import Address, Billing
from services.clients.tests.factories import (
    CHANNEL,
    DIC,
    GROUP_DIC,
    ICO,
    OTHER_ICO,
    a_client,
    an_order,
    assigned,
    buyer,
    icos,
    moved,
    only,
    placed,
)  # fmt: skip

MADE = derive("client", buyer().id)


async def link_of(bench: Bench, identity: UUID) -> tuple[UUID | None, int, bool]:
    row = (await bench.rows("select client_id, version, unlinked_by_hand from identities where id = $1", identity))[0]
    return row[0], row[1], row[2]


async def everything(bench: Bench) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of all business tables and the heads of the log."""
    tables = ("clients", "identities", "order_copies", "tasks", "series", "settings", "statuses", "keys")
    found = {}
    for name in tables:
        found[name] = await bench.rows(f"select t::text from {name} t order by 1")  # noqa: S608 - our own tables
    found["heads"] = await bench.rows("select lane, head from chassis.counters order by lane")
    return {name: [tuple(row) for row in rows] for name, rows in found.items()}


async def test_orders_make_no_client_while_the_setting_is_off(bench: Bench) -> None:
    assert await bench.hear(placed()) == []
    assert await bench.rows("select * from clients") == []
    assert await link_of(bench, buyer().id) == (None, 0, False)


async def test_an_order_with_ico_and_dic_makes_its_client_and_links_both(making: Bench) -> None:
    published = await making.hear(placed())
    (created,) = only(ClientCreated, published)
    client = created.client
    assert (client.id, client.label, client.kind, client.status) == (MADE, "Klient: 1", "company", "Zájemce")
    assert (client.name, client.ico, client.dic, client.version) == ("Kotelna Vysočina s.r.o.", ICO, DIC, 1)
    assert client.billing.city == "Jihlava"
    assert {(link.identity.value, link.client_id, link.version) for link in only(IdentityLinked, published)} == {
        (ICO, MADE, 1),
        (DIC, MADE, 1),
    }
    assert await making.failing_checks() == {}


async def test_the_same_order_ten_times_changes_nothing_more(making: Bench) -> None:
    await making.hear(placed())
    before = await everything(making)
    for _ in range(10):
        assert await making.hear(placed(), placed()) == []
    assert await everything(making) == before


async def test_two_orders_of_one_firm_in_one_batch_make_one_client(making: Bench) -> None:
    published = await making.hear(placed(1), placed(2), placed(3, channel_id=derive("another channel")))
    assert len(only(ClientCreated, published)) == 1


async def test_numbers_follow_each_other_without_gaps(making: Bench) -> None:
    numbers = icos(6)
    orders = [placed(n, identity=buyer("ico", ico)) for n, ico in enumerate(numbers)]
    await making.hear(*orders[:4])
    await making.hear(*orders[2:])
    assert [row[0] for row in await making.rows("select number from clients order by 1")] == [1, 2, 3, 4, 5, 6]
    assert await making.failing_checks() == {}


async def test_a_later_order_with_only_the_dic_finds_the_client(making: Bench) -> None:
    await making.hear(placed())
    only_dic = placed(2, identity=buyer("dic", DIC), billing=Billing(company="Kotelna", dic=DIC))
    assert await making.hear(only_dic) == []
    assert (await link_of(making, buyer("dic", DIC).id))[0] == MADE


async def test_a_czech_dic_is_the_firm_of_its_ico_even_when_no_order_showed_both(making: Bench) -> None:
    await making.hear(placed(billing=Billing(company="Kotelna", ico=ICO)))
    published = await making.hear(placed(2, identity=buyer("dic", DIC), billing=Billing(company="K", dic=DIC)))
    assert {type(event) for event in published} == {ClientChanged, IdentityLinked}
    assert tuple((await making.rows("select ico, dic, version from clients"))[0]) == (ICO, DIC, 2)
    assert await making.failing_checks() == {}


async def test_a_card_known_by_dic_gets_the_ico_that_a_later_order_shows(making: Bench) -> None:
    await making.hear(placed(identity=buyer("dic", GROUP_DIC), billing=Billing(company="K", dic=GROUP_DIC)))
    await making.hear(placed(2, billing=Billing(company="K", ico=ICO, dic=GROUP_DIC)))
    assert [tuple(row) for row in await making.rows("select number, ico, dic from clients")] == [(1, ICO, GROUP_DIC)]


async def test_companies_of_one_vat_group_stay_two_clients(making: Bench) -> None:
    await making.hear(placed(1, billing=Billing(company="A", ico=ICO, dic=GROUP_DIC)))
    other = buyer("ico", OTHER_ICO)
    await making.hear(placed(2, identity=other, billing=Billing(company="B", ico=OTHER_ICO, dic=GROUP_DIC)))
    rows = await making.rows("select name, ico, dic from clients order by number")
    assert [tuple(row) for row in rows] == [("A", ICO, GROUP_DIC), ("B", OTHER_ICO, GROUP_DIC)]
    assert (await link_of(making, buyer("dic", GROUP_DIC).id))[0] == MADE
    assert await making.failing_checks() == {}


async def test_imported_customers_become_clients_whatever_the_setting_says(bench: Bench) -> None:
    customer = buyer("external", f"{CHANNEL}:17850")
    published = await bench.hear(placed(identity=customer, billing=Billing()))
    assert {type(event) for event in published} == {ClientCreated, IdentityLinked}
    row = (await bench.rows("select name, kind, status, ico, number from clients"))[0]
    assert tuple(row) == ("Zákazník 17850", "person", "Nový partner", "", 1)


async def test_a_mail_alone_makes_no_client(making: Bench) -> None:
    assert await making.hear(placed(identity=buyer("email", "jana@kotelna.example"))) == []


async def test_an_order_known_only_by_itself_leaves_no_identity(making: Bench) -> None:
    assert await making.hear(placed(identity=buyer("order", str(an_order().id)))) == []
    assert await making.rows("select * from identities") == []


async def test_a_delivery_address_is_kept_when_it_differs(making: Bench) -> None:
    there = Address(street="Skladová 33", city="Třebíč", postcode="674 01", country="CZ")
    (created, *_) = only(ClientCreated, await making.hear(placed(shipping=there)))
    assert created.client.delivery == there


async def test_a_name_of_blanks_or_beyond_length_is_borne(making: Bench) -> None:
    first, second = icos(2)
    await making.hear(placed(1, identity=buyer("ico", first), billing=Billing(company="  ", ico=first)))
    await making.hear(placed(2, identity=buyer("ico", second), billing=Billing(company="x" * 2000, ico=second)))
    names = [row[0] for row in await making.rows("select name from clients order by number")]
    assert names == [f"IČO {first}", "x" * 300]


async def test_an_order_that_a_person_took_from_its_client_makes_none(making: Bench) -> None:
    taken = an_order(version=3, client_id=None, assigned_by="operator")
    assert await making.hear(OrderAssigned(order=taken)) == []


async def test_the_first_link_by_hand_teaches_whose_the_identity_is(bench: Bench) -> None:
    client_id = await store_client(bench, "Ručně")
    await bench.hear(placed())
    (linked,) = await bench.hear(assigned(1, client_id))
    assert isinstance(linked, IdentityLinked)
    assert (linked.identity, linked.client_id, linked.version) == (buyer(), client_id, 1)
    other = await store_client(bench, "Jiný")
    assert await bench.hear(assigned(2, other)) == []
    assert await bench.failing_checks() == {}


async def test_a_link_to_a_client_that_is_not_stored_waits_for_it_and_the_batch_goes_on(making: Bench) -> None:
    second = buyer("ico", OTHER_ICO)
    published = await making.hear(assigned(1, a_client().id), placed(2, identity=second))
    assert [event.client.ico for event in only(ClientCreated, published)] == [OTHER_ICO]
    assert await making.rows("select handler, reason from chassis.parked") == [("see_order", "client-unknown")]


async def test_what_a_person_unlinked_is_not_linked_by_late_events(making: Bench) -> None:
    await making.hear(placed())
    async with making.api() as api:
        answer = await api.delete(f"/v1/identities/{buyer().id}/client")
        assert answer.json()["client_id"] is None
    assert await making.hear(placed(), placed(2), *moved(3, buyer().id, MADE, 4)) == []
    assert await link_of(making, buyer().id) == (None, 2, True)
    assert await making.failing_checks() == {}


async def test_two_creators_of_one_ico_at_once_end_in_one_client(making: Bench) -> None:
    async with making.api() as api:
        orders = [placed(n) for n in range(4)]
        entered = [api.post("/v1/clients", json={"name": f"Ručně {n}", "ico": ICO}) for n in range(4)]
        answers, *_ = await asyncio.gather(
            asyncio.gather(*entered), making.hear(orders[0], orders[1]), making.hear(orders[2], orders[3])
        )
    codes = sorted(answer.status_code for answer in answers)
    assert codes in ([201, 409, 409, 409], [409] * 4)
    assert [tuple(row) for row in await making.rows("select number, ico from clients")] == [(1, ICO)]
    assert await making.failing_checks() == {}


async def store_client(bench: Bench, name: str, **fields: str) -> UUID:
    async with bench.api() as api:
        answer = await api.post("/v1/clients", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def test_a_batch_of_five_hundred_buyers_takes_a_handful_of_statements(bench: Bench) -> None:
    customers = [buyer("external", f"{CHANNEL}:{number}") for number in range(500)]
    events = [placed(number, identity=customer, billing=Billing()) for number, customer in enumerate(customers)]
    messages = [Message(event, command_cause(), event.event_type, key=event.partition_key) for event in events]
    said: list[str] = []
    async with unit_of_work(bench.database, "clients") as unit:
        with unit.connection.query_logger(lambda query: said.append(query.query)):
            assert await fold(service, unit, messages, careful=False, held=lambda *_: False) == []
    own = [query for query in said if query.startswith(("select", "insert", "update"))]
    assert len(own) <= 8, own
    assert len(await bench.rows("select from clients")) == 500
    assert await bench.failing_checks() == {}
