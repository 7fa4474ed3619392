"""What another release has left waits for it: raw messages, timers and parked events that nobody here knows."""

from typing import Any
from uuid import UUID

from chassis.testing import Bench
from shared.chassis.tests.conftest import CLIENT

Make = Any
PARKED = "select handler from chassis.parked order by number"


async def test_a_raw_message_of_an_unknown_kind_waits_and_holds_up_no_other(bench: Bench) -> None:
    await bench.take_in("of another release", None, b"?")
    await bench.take_in("slip", None, b"4")
    assert await bench.rows("select total from till") == [(4,)]
    assert await bench.rows("select kind from chassis.intake where state = 0") == [("of another release",)]
    assert await bench.dead_letters() == []


async def test_a_timer_of_an_unknown_kind_waits_and_holds_up_no_other(bench: Bench, paid: Make) -> None:
    await bench.hear(paid(CLIENT, 1), paid(UUID(int=1), 1))
    await bench.rows("update chassis.timers set kind = 'birthday' where subject = $1", CLIENT)
    await bench.fire_timers()
    assert await bench.rows("select kind, subject from chassis.timers") == [("birthday", CLIENT)]
    assert await bench.rows("select total from till where client <> $1", CLIENT) == [(1,)]


async def test_a_parked_event_of_an_unknown_handler_waits_an_hour(bench: Bench, placed: Make) -> None:
    await bench.hear(placed(CLIENT, 13))
    await bench.rows("update chassis.parked set handler = 'of another release'")
    await bench.retry_parked()
    assert await bench.rows(PARKED) == [("of another release",)]
    await bench.rows("update chassis.parked set parked_at = now() - interval '61 minutes'")
    await bench.retry_parked()
    (letter,) = await bench.dead_letters()
    assert letter["reason"].startswith("waited in vain: nobody called of another release")
    assert await bench.rows(PARKED) == []
