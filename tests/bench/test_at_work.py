"""What a suite at work is sent is new in every lap, and what is heard of counts from when it was heard first."""

from typing import Any, cast
from uuid import uuid4

from bench.at_work import SILVER, Suite
from bench.commits import Commits

NOTHING = cast("Any", None)


def test_every_lap_has_orders_of_its_own_of_firms_of_its_own_that_come_to_silver() -> None:
    suite = Suite(NOTHING, NOTHING, NOTHING, {})
    orders = [*suite.orders(30), *suite.orders(30)]
    assert len({order.number for order in orders}) == len({order.ico for order in orders}) == 60
    assert all(SILVER <= order.total < 50_000 for order in orders), "a larger one brings a star as well"


def test_every_tenth_order_is_of_a_device() -> None:
    orders = Suite(NOTHING, NOTHING, NOTHING, {}).orders(30)
    assert sum(order.sku == "K-1" for order in orders) == 3


def test_orders_may_be_of_firms_that_are_known() -> None:
    orders = Suite(NOTHING, NOTHING, NOTHING, {}).orders(30, 1_000, ["25596641", "27074358"])
    assert {order.ico for order in orders} == {"25596641", "27074358"}


async def test_who_hears_twice_goes_by_the_first_time() -> None:
    heard, subject = Commits(), uuid4()
    heard.hear(None, 1, "committed", str(subject))
    first = heard.at[subject]
    heard.hear(None, 1, "committed", str(subject))
    await heard.wait([subject])
    assert heard.at == {subject: first}
