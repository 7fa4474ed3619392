"""What follows in a lane, against a model; positions and cursors."""

import doctest
import importlib
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chassis
from chassis.consume.progress import following
from chassis.errors import Invalid
from chassis.events.record import LARGEST_NUMBER, Position, Record
from chassis.web.paging import encode_cursor, read_cursor

numbers = st.integers(0, LARGEST_NUMBER)
places = st.tuples(st.integers(0, 1), st.integers(1, 2), st.integers(1, 6))
starts = st.tuples(st.just(0), st.just(0)) | st.tuples(st.integers(1, 2), st.integers(0, 6))
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]))


def record(lane: int, incarnation: int, sequence: int) -> Record:
    return Record("", lane, sequence, incarnation, *[None] * 12)  # type: ignore[arg-type]


def model(found: list[Record], progress: dict[int, Position]) -> tuple[list[Record], dict[int, Position], set[int]]:
    """Say the rule as the protocol does, one lane at a time."""
    fresh, at, holes = [], dict(progress), set()
    for lane in progress:
        for each in (each for each in found if each.lane == lane):
            nexts = {Position(at[lane].incarnation, at[lane].sequence + 1)}
            if at[lane] == (0, 0):
                nexts |= {Position(1, 1), Position(2, 1)}
            if each.position in nexts:
                fresh.append(each)
                at[lane] = each.position
            elif each.position > at[lane]:
                holes.add(lane)
                break
    return fresh, at, holes


@given(st.lists(places, max_size=12), starts, starts)
def test_what_follows_is_what_the_model_says(
    found: list[tuple[int, int, int]], one: tuple[int, int], two: tuple[int, int]
) -> None:
    progress = {0: Position(*one), 1: Position(*two)}
    records = [record(*each) for each in found]
    fresh, moved, holes, _ = following(records, progress)
    expected, at, expected_holes = model(records, progress)
    assert [each for lane in progress for each in fresh if each.lane == lane] == expected
    assert ({**progress, **moved}, holes) == (at, expected_holes)
    assert all(moved[lane] != progress[lane] for lane in moved)


@given(numbers, numbers, numbers, numbers)
def test_a_later_incarnation_is_later_whatever_its_numbers(one: int, first: int, two: int, second: int) -> None:
    assert (Position(one, first) < Position(two, second)) == (one < two or (one == two and first < second))


@given(numbers, numbers)
def test_a_position_is_read_as_it_was_written(incarnation: int, sequence: int) -> None:
    position = Position(incarnation, sequence)
    assert Position.parse(str(position)) == position


@given(st.text())
def test_any_other_text_is_no_position(text: str) -> None:
    try:
        position = Position.parse(text)
    except ValueError:
        return
    assert text in {str(position), str(position.sequence)} or "0" in text


@given(st.lists(values, min_size=1, max_size=3))
def test_a_cursor_is_read_as_it_was_written(key: list[object]) -> None:
    assert read_cursor(encode_cursor(*key), *[lambda value: value] * len(key)) == key


@given(st.text())
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(Invalid):
        read_cursor(text, *[str] * 7)


@pytest.mark.parametrize("name", [found.name for found in pkgutil.walk_packages(chassis.__path__, "chassis.")])
def test_examples_in_docstrings_are_true(name: str) -> None:
    if name != "chassis.__main__" and not name.startswith("chassis.migrations"):
        assert doctest.testmod(importlib.import_module(name)).failed == 0
