"""What is said of a suite by where its services stand."""

from chassis.events.record import Position
from klientela.proof.standing import Standing, behind_in, beyond_heads, on_its_way

REST = {"parked events": 0}


def standing(
    heads: dict[int, Position], progress: dict[tuple[str, int], Position] | None = None, published: int | None = None
) -> Standing:
    cursors = {lane: head.sequence if published is None else published for lane, head in heads.items()}
    return Standing(1, heads, cursors, progress or {}, REST)


def test_nothing_is_said_of_a_suite_at_rest() -> None:
    orders = standing({3: Position(7, 2), 4: Position(0, 0)})
    loyalty = standing({}, {("orders", 3): Position(7, 2)})
    assert list(on_its_way({"orders": orders, "loyalty": loyalty}, {"orders": [], "loyalty": ["orders"]})) == []


def test_what_is_behind_is_said_with_its_lanes() -> None:
    orders = standing({lane: Position(7, 2) for lane in range(7)}, published=1)
    loyalty = standing({}, {("orders", 0): Position(7, 2), ("orders", 1): Position(7, 1)})
    assert list(on_its_way({"orders": orders, "loyalty": loyalty}, {"orders": [], "loyalty": ["orders"]})) == [
        "orders has 7 events to publish in lanes 0, 1, 2, 3, 4 and 2 more",
        "loyalty is 11 events behind orders in lanes 1, 2, 3, 4, 5 and 1 more",
    ]


def test_a_number_that_was_taken_back_is_behind_its_namesake() -> None:
    consumer = standing({}, {("orders", 3): Position(7, 5)})
    assert behind_in(consumer, "orders", standing({3: Position(8, 5)})) == {3: 1}


def test_who_holds_numbers_that_are_no_more_is_behind_until_it_has_given_them_up() -> None:
    consumer = standing({}, {("orders", 3): Position(0, 5)})
    assert behind_in(consumer, "orders", standing({3: Position(0, 4)})) == {3: 1}


def test_an_empty_lane_of_a_new_incarnation_is_not_behind() -> None:
    assert behind_in(standing({}), "orders", standing({3: Position(8, 0)})) == {}


def test_a_consumer_must_not_know_more_than_its_owner() -> None:
    consumer = standing(
        {}, {("orders", 1): Position(7, 5), ("orders", 2): Position(9, 1), ("orders", 3): Position(7, 1)}
    )
    heads = {lane: Position(7, 4) for lane in (1, 2, 3)}
    assert [what.split(" ")[1] for what in beyond_heads(consumer, "orders", heads)] == ["1", "2"]
