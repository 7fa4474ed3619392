"""An import is raced against its own beginning: tenths that buy the same, each done before the next is sent."""

from collections.abc import Iterable
from typing import Any, cast

import pytest

from bench.rows import importing
from bench.rows.importing import Importing, invoice
from klientela.importing.telling import Telling
from klientela.importing.wire import Letter, letter_of
from orders.domain.revision import ChannelOrder


class Suite:
    """What is sent to it is there; ``lost`` of it is not."""

    def __init__(self, lost: int = 0) -> None:
        self.sent: list[str] = []
        self.rests: list[int] = []
        self.lost = lost
        self.processes: dict[str, Any] = {}
        """Those of the services, and of the servers."""

    async def send(self, letters: Iterable[Letter]) -> None:
        self.sent += [letter.number for letter in letters]

    async def rest(self, *_: object) -> None:
        self.rests.append(len(self.sent))

    async def rows(self, *_: object) -> list[tuple[int, int]]:
        return [(len(self.sent) - self.lost, 0)]


def race(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Importing:
    monkeypatch.setattr(importing, "TENTH", 20)
    monkeypatch.setattr(importing, "worked_off", suite.rest)
    anything = cast("Any", suite)
    return Importing(anything, anything, anything, anything)


async def test_each_tenth_is_done_before_the_next_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = Suite()
    contestants = race(suite, monkeypatch)
    assert (await contestants.floor()).figure > 0
    assert suite.rests == [20]
    lap = await contestants.ours()
    assert [far for far, _ in lap.series] == suite.rests
    assert lap.series[-1][1] == lap.figure > 0
    assert suite.rests == list(range(20, 201, 20))
    assert len(set(suite.sent)) == 200


async def test_a_rate_of_orders_that_are_not_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    contestants = race(Suite(lost=1), monkeypatch)
    await contestants.floor()
    with pytest.raises(RuntimeError, match="orders has 199 of 200 orders"):
        await contestants.ours()


@pytest.mark.parametrize("tenth", [0, 7])
def test_every_tenth_buys_the_same(tenth: int) -> None:
    before = {invoice(number).customer for number in range(tenth * 1_000)}
    bought = [invoice(number) for number in range(tenth * 1_000, (tenth + 1) * 1_000)]
    assert len({each.customer for each in bought} - before) == 100
    assert sum(item.sku == "K-1" for each in bought for item in each.items) == 100


def test_an_order_of_the_history_is_one_that_the_service_takes() -> None:
    said = invoice(41)
    letter = letter_of(said, Telling("CZK", {}, said.placed_at))
    assert letter is not None
    order = ChannelOrder.model_validate_json(letter.body)
    assert (order.external_id, order.customer) == ("42", said.customer)
    assert invoice(41) == said, "the same every time"
