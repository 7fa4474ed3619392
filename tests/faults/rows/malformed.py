"""Everything that is no message, at every door: bodies and headers on the topics, bodies at the APIs and as orders."""

import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from chassis.run.serve import load_service
from tests.faults.judge import LETTERS, everywhere, judge
from tests.faults.row import Draw, Outcome, Row
from tests.faults.stage import Stage
from tests.rig import until
from tests.shop import ShopOrder

DOORS = {
    "clients": ("POST", "/v1/clients"),
    "orders": ("PUT", "/v1/products/X"),
    "service-desk": ("POST", "/v1/service-orders"),
    "loyalty": ("PUT", "/v1/programme"),
    "automation": ("POST", "/v1/rules"),
}
OUTSIDE = 4
"""Where outsiders bring orders: the topic without and with a token, the webhook, a channel's batch."""
COUNT = 60 * (2 * len(DOORS) + OUTSIDE) + 20 * len(DOORS)
"""Bodies at every door, and sets of headers on every service's topic."""
JSON = {"Content-Type": "application/json"}
DEEP = 10_000
Headers = list[tuple[str, bytes | None]]


def bodies() -> list[bytes]:
    """Return sixty bodies that nobody can read, or should not."""
    proper = ShopOrder(number=1, total=Decimal(1_000), ico="25596641").body()
    said = json.loads(proper)
    wrong: list[Any] = [
        None, True, 0, -1, 2**63, 2**64, "", "text", [], [[]], [1], {}, {"": ""}, {"order": None}, {"id": None},
        {"name": None}, {"name": 1}, {"name": {}}, {"name": ["x"]}, {"name": "x" * 100_000}, {"name": "\u0000"},
        {"name": "\ud800"}, {"device_id": "x"}, {"device_id": 1}, {"rates": []}, {"rates": {"CZK": "x"}},
        {"rates": {"CZK": -1}}, {"on": 1}, {"on": "x", "when": [], "then": {}}, {"id": 2**70},
        {**said, "id": "\u0000"}, {**said, "total": "NaN"},
    ]  # fmt: skip
    raw = [
        b"", b" ", b"\x00", b"\xff", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{", b"}", b"[", b'{"a"', b'{"a":',
        b'{"a":}', b"{'a': 1}", b'{"name": NaN}', b'{"name": Infinity}', b'{"name": 1e400}', b'{"name": 01}',
        b'{"name": "\xc3\x28"}', b'{"name": "\n"}', b'{"name": "a", "name": "b"}', b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP + b"1" + b"}" * DEEP, proper[:-1], proper[:50], proper + proper,
        b"\x1f\x8b\x08\x00" + proper, proper.replace(b'"', b"'"), b"x" * 1_000_000,
    ]  # fmt: skip
    return [*(json.dumps(each).encode() for each in wrong), *raw]


def headers() -> Iterator[Headers]:
    """Give twenty sets of headers that are not an owner's."""
    names = (
        "ce_id", "ce_type", "ce_subject", "ce_time", "ce_lane", "ce_sequence", "ce_incarnation", "ce_subjectversion",
        "ce_correlationid",
    )  # fmt: skip
    whole: dict[str, bytes | None] = {
        "ce_specversion": b"1.0", "ce_id": str(uuid4()).encode(), "ce_source": b"/klientela/orders",
        "ce_type": b"orders.order_paid.v1", "ce_subject": str(uuid4()).encode(), "ce_time": b"2026-10-01T07:00:00Z",
        "ce_lane": b"3", "ce_sequence": b"0", "ce_incarnation": b"1", "ce_subjectversion": b"1",
        "ce_correlationid": str(uuid4()).encode(), "ce_causationid": b"", "ce_causationplace": b"", "ce_hops": b"0",
        "ce_actor": b"",
    }  # fmt: skip
    yield []
    yield [(name, None) for name in whole]
    yield list(whole.items())  # numbered from 0, which no owner does
    yield [(f"h{n}", b"x") for n in range(1_000)]
    yield [("ce_id", b"\xff\xfe")]
    yield [*whole.items(), ("ce_lane", b"\xff")]
    yield from ([*whole.items(), (name, b"\xff")] for name in names)
    yield from (
        [*whole.items(), ("ce_sequence", number)]
        for number in (b"-1", b"1e3", b"99999999999999999999", b"", "١".encode())
    )


async def at_every_door(stage: Stage, random: Draw) -> Outcome:
    """Put all bodies and headers on every service's topic, all bodies to its API and to where outsiders bring orders.

    The load goes on beside them. The topics are full of strangers afterwards.
    """
    strange: list[tuple[bytes, Headers]] = [(body, []) for body in bodies()] + [(b"{}", each) for each in headers()]
    async with stage.load.running(random):
        async with AIOKafkaProducer(bootstrap_servers=stage.rig.bootstrap, max_request_size=2_000_000) as producer:
            for name in stage.rig.names:
                for body, sent in strange:
                    key = random.choice([None, b"", b"\xff", str(uuid4()).encode()])
                    await producer.send(stage.rig.prefix + name, body, key=key, headers=sent)
            letters = await write_orders(stage, producer)
        wrong = await ask_every_api(stage)
        accepted = await bring_orders(stage, wrong)
        recovery = await stage.load.probe()
    letters += accepted + len(strange) * sum(len(load_service(name).sources()) for name in stage.rig.names)

    async def buried() -> bool:
        return len(await everywhere(stage.rig, LETTERS)) >= letters

    with suppress(TimeoutError):  # the judge says what there is
        await until(buried, 60, every=0.5)
    verdict = await judge(stage.rig, stage.load.inputs, letters)
    verdict.add("lost", wrong)
    return Outcome(COUNT, verdict, [recovery])


async def write_orders(stage: Stage, producer: AIOKafkaProducer) -> int:
    """Write all bodies to ``intake.orders``, as they are and as orders of a channel; each is to be a dead letter."""
    new = {"kind": "kafka", "name": "Bad EDI"}
    token = (await stage.load.ask("orders", "POST", "/v1/channels", new))["token"].encode()
    sent = [each for body in bodies() for each in (body, b'{"token": "' + token + b'", ' + as_fields(body) + b"}")]
    for each in sent:
        await producer.send(stage.load.producer.topic, each)
    return len(sent)


def as_fields(body: bytes) -> bytes:
    """Return a body as what an object says beside its token: its own fields, or a field of its own.

    >>> as_fields(b'{"a": 1}'), as_fields(b"[]")
    (b'"a": 1', b'"order": []')
    """
    return body[1:-1] if body.startswith(b'{"') and body.endswith(b"}") else b'"order": ' + body


async def ask_every_api(stage: Stage) -> list[str]:
    """Ask a command of every API with all bodies; return what was not refused."""
    wrong: list[str] = []
    for name, (method, path) in DOORS.items():
        for body in bodies():
            answer = await stage.load.apis[name].request(method, path, content=body, headers=JSON)
            if not answer.is_client_error:
                wrong.append(f"{method} {path} answers {answer.status_code} to {body[:40]!r}")
    return wrong


async def bring_orders(stage: Stage, wrong: list[str]) -> int:
    """Bring all bodies as a shop does, rightly signed, and as a batch's only order.

    Returns how many were accepted, each to be a dead letter, and notes what was neither accepted nor refused.
    """
    channel = (await stage.load.ask("orders", "POST", "/v1/channels", {"kind": "import", "name": "Bad ERP"}))["id"]
    path, accepted = f"/v1/channels/{channel}/orders", 0
    for body in bodies():
        batch = b'{"orders": [' + body + b"]}"
        by_api = await stage.load.apis["orders"].post(path, content=batch, headers=JSON)
        for answer in (await stage.load.shop.post(body), by_api):
            accepted += answer.is_success
            if not (answer.is_success or answer.is_client_error):
                wrong.append(f"{answer.request.url.path} answers {answer.status_code} to {body[:40]!r}")
    return accepted


ROWS = (
    Row(
        "malformed",
        "60 malformed bodies and 20 sets of headers on each topic, the bodies at each API and as orders of outsiders",
        COUNT,
        COUNT,
        at_every_door,
        unit="messages",
        fresh=True,
    ),
)
