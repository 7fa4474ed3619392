"""A producer that knows nothing of lanes: it writes orders to ``intake.orders``, and again what Kafka has lost."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.rig import Rig
from tests.shop import START, ShopOrder, gmt

PATIENCE = 240
"""Seconds that it tries again once all is said."""
PACE = 0.08
TAKEN_IN = (
    "select convert_from(substr(body, position('\\x0a'::bytea in body) + 1), 'UTF8')::jsonb ->> 'external_id'"
    " from chassis.intake where origin = $1"
)
"""The orders of a channel that the service has, each after a line of its own; they are there for good."""
READ = "select partition, last_offset from chassis.outside where topic = $1"


class Acknowledged(NamedTuple):
    """An order that Kafka says it has, and where."""

    order: ShopOrder
    partition: int
    offset: int


class Producer:
    """Writes orders of one channel until Kafka has acknowledged each, and remembers which the present Kafka has."""

    def __init__(self, rig: Rig, channel: str, token: str) -> None:
        self.rig, self.channel, self._token = rig, channel, token
        self.topic = f"{rig.prefix}intake.orders"
        self._waiting: list[ShopOrder] = []
        self._acknowledged: list[Acknowledged] = []
        self._lives = 0

    def give(self, orders: Iterable[ShopOrder]) -> None:
        """Give it orders to write."""
        self._waiting += orders

    async def write(self, over: asyncio.Event) -> None:
        """Write what it is given until that is over and all acknowledged."""
        async with asyncio.timeout(None) as patience:
            while self._waiting or not over.is_set():
                if over.is_set() and patience.when() is None:
                    patience.reschedule(asyncio.get_running_loop().time() + PATIENCE)
                kafka = AIOKafkaProducer(bootstrap_servers=self.rig.bootstrap, acks="all")
                try:
                    await kafka.start()
                    while self._waiting or not over.is_set():
                        await self._write_waiting(kafka)
                        await asyncio.sleep(PACE)  # lint-skip: sleep what gathers meanwhile goes at once
                except (KafkaError, OSError):
                    pass
                finally:
                    with suppress(KafkaError, OSError):
                        await kafka.stop()
                await asyncio.sleep(PACE)  # lint-skip: sleep a producer tries again by the clock

    async def _write_waiting(self, kafka: AIOKafkaProducer) -> None:
        """Write what waits, at once and wherever it falls. Whose answer belongs to an earlier life waits again."""
        orders, self._waiting, life = self._waiting, [], self._lives
        bodies = [json.dumps({"token": self._token, **canonical(order)}).encode() for order in orders]
        writing = (kafka.send_and_wait(self.topic, body) for body in bodies)
        answers = await asyncio.gather(*writing, return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        for order, answer in zip(orders, answers, strict=True):
            if isinstance(answer, BaseException) or life != self._lives:
                self._waiting.append(order)
            else:
                self._acknowledged.append(Acknowledged(order, answer.partition, answer.offset))
        if failures:
            raise failures[0]

    def keep(self) -> None:
        """All that was acknowledged is kept, whatever becomes of what will be."""
        self._lives += 1
        self._acknowledged = []

    async def lose(self) -> None:
        """What was acknowledged is gone, since ``keep`` if that was said: write again what was not yet taken in.

        To be called once nothing can come to the Kafka that is lost, and nothing yet to the one in its place.
        """
        self._lives += 1
        gone, self._acknowledged = self._acknowledged, []
        taken = await self._taken_in()
        self._waiting += [each.order for each in gone if str(each.order.number) not in taken]

    async def passed_over(self) -> list[str]:
        """Name the orders that Kafka has acknowledged and the service has not taken in, with their places."""
        taken = await self._taken_in()
        read = {row["partition"]: row["last_offset"] for row in await self.rig.rows("orders", READ, self.topic)}
        return [
            f"{order.number} of {order.ico} at {partition}/{offset} is not taken in; read to {read.get(partition)}"
            for order, partition, offset in self._acknowledged
            if str(order.number) not in taken
        ]

    async def _taken_in(self) -> set[str]:
        return {row[0] for row in await self.rig.rows("orders", TAKEN_IN, self.channel)}


def canonical(order: ShopOrder) -> dict[str, Any]:
    """Return a paid order as a channel without a shop says it."""
    item = {"sku": order.sku, "name": "Kávovar", "quantity": "1", "unit_price": str(order.total)}
    return {
        "external_id": str(order.number), "revision": f"{gmt(START)}Z", "state": "paid", "paid_at": f"{gmt(START)}Z",
        "currency": "CZK", "total": str(order.total), "items": [item],
        "billing": {"company": "Firma", "ico": order.ico},
    }  # fmt: skip
