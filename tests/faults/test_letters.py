"""Of an event that is fatal there is to be a dead letter, and of no other."""

from uuid import UUID

from tests.faults.judge import Verdict
from tests.faults.rows.fatal import REASONS, Letter, add_letters, those_of


def test_an_innocent_that_was_buried_with_a_fatal_event_is_found() -> None:
    """It has the very reason of the fatal one, and lying there in its place it makes the number right."""
    (fatal,) = wanted = those_of([UUID(int=1)], "kill")
    innocents = fatal._replace(event=str(UUID(int=2))), fatal._replace(handler="hear_news")
    for innocent in (*innocents, fatal._replace(service="automation")):
        assert innocent.reason == REASONS["kill"]
        beside, instead = Verdict(), Verdict()
        add_letters(beside, [fatal, innocent], wanted)
        add_letters(instead, [innocent], wanted)
        assert (beside.counts, instead.counts) == ((1, 0, 0, 0), (1, 0, 0, 1))
    sound = Verdict()
    add_letters(sound, [Letter("loyalty", "hear_everything", str(UUID(int=1)), REASONS["block"])], wanted)
    assert sound.reasons == []
