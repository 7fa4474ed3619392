"""Set back to a backup, the service tells anew whose identities are and how cards are; a revoked key stays revoked."""

from uuid import UUID, uuid4

from chassis.testing import Bench
from schemas.clients import ClientChanged, ClientForgotten, IdentityForgotten, IdentityLinked, KeyRevoked
from schemas.event import Event
from schemas.orders import OrderForgotten
from services.clients.tests.factories import an_order, buyer, moved, paid
from services.clients.tests.test_making import store_client


async def ask(bench: Bench, kind: str, subject: UUID) -> list[Event]:
    """Ask about a subject as another service does; return what was published."""
    before = {record.id for record in await bench.records()}
    seen = [{"type": f"clients.{kind}.v1", "key": str(subject), "subject": str(subject)}]
    async with bench.api("service") as api:
        answer = await api.post("/v1/events/restate", json={"seen": seen})
    assert answer.json() == {"restated": 1}
    return await bench._since(before)


async def test_a_card_is_told_anew_and_one_that_is_no_more_is_forgotten(bench: Bench) -> None:
    client = await store_client(bench, "Firma")
    (told,) = await ask(bench, "client_created", client)
    assert isinstance(told, ClientChanged)
    assert (told.client.version, told.changed) == (2, ())
    gone = uuid4()
    assert await ask(bench, "client_changed", gone) == [ClientForgotten(client_id=gone)]
    assert await bench.failing_checks() == {}


async def test_a_link_is_told_anew_and_one_that_never_was_is_forgotten(bench: Bench) -> None:
    client = await store_client(bench, "Firma", ico=buyer().value)
    (told,) = await ask(bench, "identity_linked", buyer().id)
    assert told == IdentityLinked(identity=buyer(), client_id=client, version=2)
    gone = uuid4()
    assert await ask(bench, "identity_linked", gone) == [IdentityForgotten(identity_id=gone)]
    assert await bench.failing_checks() == {}


async def test_a_key_whose_revocation_was_lost_is_revoked_again(bench: Bench) -> None:
    key = uuid4()
    (revoked,) = await ask(bench, "key_revoked", key)
    assert isinstance(revoked, KeyRevoked)
    assert await bench.rows("select id, revoked_at from chassis.revoked_keys") == [(key, revoked.revoked_at)]
    assert await ask(bench, "key_revoked", key) == [revoked]


async def test_what_has_no_copies_elsewhere_is_not_told_anew(bench: Bench) -> None:
    seen = [{"type": "clients.task_created.v1", "key": str(uuid4()), "subject": str(uuid4())}]
    async with bench.api("service") as api:
        answer = await api.post("/v1/events/restate", json={"seen": seen})
    assert answer.json() == {"restated": 0}


async def test_an_order_that_is_no_more_counts_no_more(bench: Bench) -> None:
    client = await store_client(bench, "Firma")
    await bench.hear(paid(1, client, 7))
    await bench.hear_anew(OrderForgotten(order_id=an_order(1).id, left=client))
    assert await bench.rows("select present, revenue from order_copies") == [(False, 0)]
    await bench.hear_anew(paid(1, client, 1))
    assert await bench.rows("select present, paid, version from order_copies") == [(True, True, 1)]
    assert await bench.failing_checks() == {}


async def test_a_farewell_of_a_later_incarnation_counts_whatever_its_version(bench: Bench) -> None:
    client = await store_client(bench, "Firma")
    await bench.hear(paid(1, client, 7))
    farewell, _ = moved(1, client, None, 2)
    await bench.hear_anew(farewell)
    assert await bench.rows("select present, version from order_copies") == [(False, 2)]
