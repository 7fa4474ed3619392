"""Everything that is no message, at every door: bodies and headers on the topics, bodies at the APIs."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from chassis.run.serve import load_service
from tests.faults.judge import judge
from tests.faults.row import Draw, Outcome, Row
from tests.faults.stage import Stage
from tests.shop import ShopOrder

DOORS = {
    "clients": ("POST", "/v1/clients"),
    "orders": ("PUT", "/v1/products/X"),
    "service-desk": ("POST", "/v1/service-orders"),
    "loyalty": ("PUT", "/v1/programme"),
    "automation": ("POST", "/v1/rules"),
}
DEEP = 10_000
Headers = list[tuple[str, bytes | None]]


def bodies() -> list[bytes]:
    """Return sixty bodies that nobody can read, or should not."""
    proper = ShopOrder(number=1, total=1000, ico="25596641").body()  # type: ignore[arg-type]
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
    """Put all bodies and headers on every service's topic, and all bodies to its API; the load goes on beside them.

    The topics are full of strangers afterwards.
    """
    verdict_of_doors: list[str] = []
    strange: list[tuple[bytes, Headers]] = [(body, []) for body in bodies()] + [(b"{}", each) for each in headers()]
    async with stage.load.running(random):
        async with AIOKafkaProducer(bootstrap_servers=stage.rig.bootstrap, max_request_size=2_000_000) as producer:
            for name in stage.rig.names:
                for body, sent in strange:
                    key = random.choice([None, b"", b"\xff", str(uuid4()).encode()])
                    await producer.send(stage.rig.prefix + name, body, key=key, headers=sent)
        for name, (method, path) in DOORS.items():
            for body in bodies():
                answer = await stage.load.apis[name].request(
                    method, path, content=body, headers={"Content-Type": "application/json"}
                )
                if not 400 <= answer.status_code < 500:
                    verdict_of_doors.append(f"{method} {path} answers {answer.status_code} to {body[:40]!r}")
        await stage.load.probe()
    followers = sum(len(load_service(name).sources()) for name in stage.rig.names)
    verdict = await judge(stage.rig, stage.load.inputs, len(strange) * followers)
    verdict.add("lost", verdict_of_doors)
    return Outcome((len(bodies()) + len(strange)) * len(DOORS), verdict)


ROWS = (
    Row(
        "malformed",
        "60 malformed bodies and 20 sets of headers on each topic, the bodies at each API",
        60 * 5 + 20,
        60 * 5 + 20,
        at_every_door,
        fresh=True,
    ),
)
