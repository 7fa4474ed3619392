"""What a floor copies: rows that are new, of tables in which nothing else has changed; the others are named."""

import pytest

from bench.tables import Added, Table, added

ONE, OTHER = Table("public", "one", ("a", "b")), Table("chassis", "other", ("a",))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([], [(1, "a")], [(1, "a")]),
        ([(1, "a")], [(2, "b"), (1, "a"), (3, "c")], [(2, "b"), (3, "c")]),
        ([(1, "a")], [(1, "a")], None),
        ([], [], None),
    ],
    ids=["all", "some", "nothing new", "nothing at all"],
)
def test_new_rows_are_found_wherever_they_stand(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]], found: list[tuple[object, ...]] | None
) -> None:
    assert added({ONE: after}, {ONE: before}) == ({ONE: found} if found else {}, [])


@pytest.mark.parametrize(
    "after", [[(1, "changed"), (2, "b")], [(2, "b")], [(1, "changed")]], ids=["changed", "taken out", "nothing new"]
)
def test_a_table_of_which_a_row_was_changed_is_left_out_and_named(
    after: list[tuple[object, ...]],
) -> None:
    before: Added = {ONE: [(1, "a")], OTHER: [(1,)]}
    assert added({ONE: after, OTHER: [(1,), (2,)]}, before) == ({OTHER: [(2,)]}, ["public.one"])


def test_a_table_that_was_not_there_is_new() -> None:
    assert added({OTHER: [(1,)]}, {}) == ({OTHER: [(1,)]}, [])
