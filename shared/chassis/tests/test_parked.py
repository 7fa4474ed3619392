"""Events that wait parked are tried again many at a time, each key in its order."""

from typing import Any
from uuid import UUID

import pytest

from chassis.consume import retry
from chassis.testing import Bench

Make = Any
CLIENTS = [UUID(int=number) for number in range(1, 31)]


async def test_the_oldest_of_many_keys_are_tried_in_one_transaction(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    again = retry._again

    async def counted(unit: Any, service: Any, waiting: Any, give_up: str) -> Any:
        tried.append(len(waiting))
        return await again(unit, service, waiting, give_up)

    monkeypatch.setattr(retry, "_again", counted)
    await bench.hear(*(placed(client, amount) for amount in (13, 2, 4) for client in CLIENTS))
    await bench.rows("update till set total = 1000 where client = any($1)", CLIENTS[10:])
    await bench.retry_parked()
    assert tried == [30, 20, 20, 0]
    assert dict(await bench.rows("select client, total from till where total > 0")) == dict.fromkeys(CLIENTS[10:], 1019)
    assert len(await bench.rows("select 1 from chassis.parked")) == 30
    assert await bench.dead_letters() == []


async def test_one_of_many_that_cannot_be_saved_is_found_and_the_others_are_done(bench: Bench, placed: Make) -> None:
    await bench.hear(*(placed(client, amount) for amount in (13, 2) for client in CLIENTS))
    await bench.rows("update till set total = case client when $1 then 2147483647 else 1000 end", CLIENTS[4])
    await bench.retry_parked()
    assert [letter["reason"] for letter in await bench.dead_letters()] == ["fails alone: DataError"] * 2
    assert {row["total"] for row in await bench.rows("select total from till")} == {1015, 2147483647}
    assert await bench.rows("select 1 from chassis.parked") == []
