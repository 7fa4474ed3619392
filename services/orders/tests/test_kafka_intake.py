"""What channels write to the topic ``intake.orders``: known by their token, which is kept nowhere."""

import json

from chassis.events.unit import unit_of_work
from chassis.testing import Bench
from orders.adapters.kafka_intake import accept
from orders.domain.channel import token_hash
from schemas.orders import OrderPlaced
from services.orders.tests.factories import CHANNEL, canonical, kinds


async def test_the_topic_knows_channels_by_token_and_keeps_the_message_without_it(bench: Bench) -> None:
    async with bench.api() as api:
        token = (await api.post("/v1/channels", json={"kind": "kafka", "name": "ERP"})).json()["token"]
    good = json.dumps(canonical() | {"token": token}).encode()
    bodies = [
        b'{"total": 1e9999999999999999999}',
        good,
        b"\xff",
        json.dumps(canonical() | {"token": "no"}).encode(),
        b"{}",
        b'{"token": "\\ud800"}',
        good,
    ]
    async with unit_of_work(bench.database, "orders") as unit:
        await accept(unit, bodies)
    stored = await bench.rows("select body from chassis.intake")
    assert len(stored) == 2
    assert all(token.encode() not in row["body"] for row in stored)
    reasons = {letter["reason"].split(":")[0] for letter in await bench.dead_letters()}
    assert reasons == {"not JSON", "not UTF-8", "token-unknown", "token-missing"}
    assert kinds(await bench.take_in("order", CHANNEL)) == [OrderPlaced]
    assert token_hash(token) == (await bench.rows("select token_hash from channels"))[0]["token_hash"]


async def test_two_equal_bad_messages_are_one_dead_letter_without_their_token(bench: Bench) -> None:
    bad = b'{"token": "a-secret", "external_id": "\xff"}'
    async with unit_of_work(bench.database, "orders") as unit:
        await accept(unit, [b"", b"", bad, bad])
    letters = await bench.dead_letters()
    assert len(letters) == 2
    assert not any(b"a-secret" in letter["record"] for letter in letters)
