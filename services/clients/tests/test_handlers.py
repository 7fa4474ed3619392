"""Counting orders, and doing what automation asks."""

from typing import Any
from uuid import UUID, uuid4

from chassis.testing import Bench
from schemas.automation import ClientStarRequested, ClientStatusChangeRequested, Request, TaskRequested
from schemas.clients import ClientStarred, ClientStatusChanged, RequestRefused, TaskCreated
from schemas.ids import derive
from schemas.orders import OrderCancelled, OrderRefunded
from services.clients.tests.factories import DAY, an_order, assigned, buyer, moved, paid, placed
from services.clients.tests.test_making import everything, store_client

RULE: dict[str, Any] = {"rule_id": uuid4(), "rule_version": 1}


async def shown(bench: Bench, client_id: UUID) -> dict[str, object]:
    async with bench.api("viewer") as api:
        body: dict[str, object] = (await api.get(f"/v1/clients/{client_id}")).json()
    return {name: body[name] for name in ("orders", "paid_orders", "revenue", "last_order_at")}


def status(client_id: UUID, to: str) -> Request:
    return ClientStatusChangeRequested(request_id=uuid4(), client_id=client_id, status=to, **RULE)


async def test_counts_and_revenue_follow_the_latest_state(bench: Bench) -> None:
    client = await store_client(bench, "Firma")
    await bench.hear(assigned(1, client), paid(1, client, 3), assigned(2, client, amount="20.005"))
    assert await shown(bench, client) == {
        "orders": 2, "paid_orders": 1, "revenue": [{"amount": "1000.00", "currency": "CZK"}],
        "last_order_at": "2026-10-03T07:05:00Z",
    }  # fmt: skip
    refunded = paid(1, client, 4, refunded="999.995").order
    await bench.hear(OrderRefunded(order=refunded))
    assert (await shown(bench, client))["revenue"] == [{"amount": "0.005", "currency": "CZK"}]


async def test_an_older_state_changes_nothing(bench: Bench) -> None:
    client = await store_client(bench, "Firma")
    await bench.hear(paid(1, client, 5))
    before = await everything(bench)
    await bench.hear(OrderCancelled(order=an_order(1, client_id=client, version=4, state="cancelled")))
    assert await everything(bench) == before


async def test_a_moved_order_counts_for_one_client_whichever_lane_is_heard_first(bench: Bench) -> None:
    one, other = await store_client(bench, "A"), await store_client(bench, "B")
    farewell, greeting = moved(1, one, other, 4, state="paid", paid_at=DAY)
    for events in ((greeting, farewell, paid(1, one, 3)), (paid(1, one, 3), farewell, greeting)):
        for event in events:
            await bench.hear(event)
        assert (await shown(bench, one))["orders"] == 0
        assert (await shown(bench, other))["orders"] == 1
    assert await bench.failing_checks() == {}


async def test_a_farewell_to_an_identity_leaves_no_copy(bench: Bench) -> None:
    client = await store_client(bench, "A")
    await bench.hear(*moved(1, buyer().id, client, 1))
    assert [row[0] for row in await bench.rows("select client_id from order_copies")] == [client]


async def test_refunds_without_reference_lower_the_revenue_and_are_no_orders(bench: Bench) -> None:
    client = await store_client(bench, "A")
    await bench.hear(paid(1, client, 1), paid(2, client, 1, kind="refund", amount="-300"))
    assert (await shown(bench, client))["orders"] == 1
    assert (await shown(bench, client))["revenue"] == [{"amount": "700.00", "currency": "CZK"}]


async def test_a_rule_changes_a_status_once(bench: Bench) -> None:
    client = await store_client(bench, "Firma")
    asked = status(client, "Stálý odběratel")
    (changed,) = await bench.hear(asked)
    assert isinstance(changed, ClientStatusChanged)
    assert (changed.previous, changed.client.status, changed.client.version) == ("Nový partner", "Stálý odběratel", 2)
    assert changed.request_id == asked.request_id
    async with bench.api() as api:
        await api.put(f"/v1/clients/{client}/status", json={"status": "VIP"})
    assert await bench.hear(asked, asked) == []
    assert await bench.hear(status(client, "VIP")) == []
    assert await bench.failing_checks() == {}


async def test_a_rule_stars_a_client(bench: Bench) -> None:
    client = await store_client(bench, "Firma")
    request = ClientStarRequested(request_id=uuid4(), client_id=client, starred=True, **RULE)
    (starred,) = await bench.hear(request)
    assert isinstance(starred, ClientStarred)
    assert (starred.client.starred, starred.request_id) == (True, request.request_id)


async def test_what_cannot_be_done_is_refused_with_a_reason(bench: Bench) -> None:
    asked = status(await store_client(bench, "Firma"), "Neznámý")
    (refused,) = await bench.hear(asked)
    assert isinstance(refused, RequestRefused)
    assert (refused.request_id, refused.reason) == (asked.request_id, "status-unknown")
    assert await bench.hear(asked) == []
    assert await bench.dead_letters() == []


async def test_a_request_for_a_client_that_is_still_to_come_waits_for_it_and_not_for_ever(bench: Bench) -> None:
    nobody, coming = uuid4(), derive("client", buyer().id)
    asked = [
        ClientStarRequested(request_id=uuid4(), client_id=coming, starred=True, **RULE),
        TaskRequested(request_id=uuid4(), client_id=nobody, title="Zavolat", due=DAY, **RULE),
    ]
    assert await bench.hear(*asked) == []
    async with bench.api("manager") as api:
        await api.put("/v1/settings/b2b-clients", json={"create": True, "default_status": "VIP"})
    await bench.hear(placed())
    await bench.retry_parked()
    assert await bench.rows("select id, starred from clients") == [(coming, True)]
    assert await bench.dead_letters() == []
    await bench.rows("update chassis.parked set parked_at = parked_at - interval '2 hours'")
    await bench.retry_parked()
    (letter,) = await bench.dead_letters()
    assert (letter["handler"], letter["reason"]) == ("create_task", "waited in vain: client-unknown")


async def test_a_rule_puts_a_task_on_the_list_with_its_cause(bench: Bench) -> None:
    client = await store_client(bench, "Kotelna")
    title = "Proaktivně nabídnout preventivní servis klientovi {client}"
    asked = TaskRequested(request_id=uuid4(), client_id=client, title=title, due=DAY, assignee="Eva", **RULE)
    (created,) = await bench.hear(asked)
    assert isinstance(created, TaskCreated)
    assert created.task.title == "Proaktivně nabídnout preventivní servis klientovi Kotelna"
    assert await bench.hear(asked) == []
    async with bench.api("viewer") as api:
        (task,) = (await api.get("/v1/tasks", params={"client_id": str(client)})).json()["items"]
    assert (task["id"], task["state"], task["assignee"]) == (str(asked.request_id), "open", "Eva")
    assert task["cause"]["place"].startswith("automation/")
    assert task["cause"]["request_id"] == str(asked.request_id)
    assert await bench.failing_checks() == {}


async def test_a_title_grown_too_long_by_the_name_is_cut(bench: Bench) -> None:
    client = await store_client(bench, "K" * 300)
    asked = TaskRequested(request_id=uuid4(), client_id=client, title="Zavolat {client}", due=DAY, **RULE)
    (created,) = await bench.hear(asked)
    assert isinstance(created, TaskCreated)
    assert len(created.task.title) == 300
