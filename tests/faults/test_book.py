"""The book adds runs up by seed, for one chassis; the judge finds what differs."""

import ast
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults import book
from tests.faults.__main__ import show
from tests.faults.book import Entry, chassis_digest, entry_of, lines, markdown, percentiles, read, shape, write
from tests.faults.inputs import Firm, Inputs
from tests.faults.judge import Verdict, compare
from tests.faults.row import Outcome
from tests.faults.rows import ROWS
from tests.faults.rows.releases import REASONS, Letter, add_letters, those_of
from tests.shop import ShopOrder

ROW = ROWS["kill-kafka"]


def entry(seed: int, *, chassis: str = "a", lost: int = 0, recovery: tuple[float, ...] = (1.0,)) -> Entry:
    return Entry("kill-kafka", seed, chassis, 2, (lost, 0, 0, 0), recovery)


def test_runs_add_up_by_seed_and_only_for_their_chassis(tmp_path: Path) -> None:
    mine = tmp_path / "book.jsonl"
    for each in (entry(1, recovery=(9.0,)), entry(1), entry(2, recovery=(3.0,)), entry(3, chassis="b")):
        write(each, mine)
    (line,) = lines([ROW], read(mine, chassis="a"))
    assert (line.times, line.bad, line.recovery) == (4, (0, 0, 0, 0), (1.0, 3.0))
    assert read(mine, chassis="c") == []


def test_a_run_that_lost_something_is_not_forgotten_when_its_seed_passes(tmp_path: Path) -> None:
    """In one book or in two, whichever was first: what did not happen again has happened."""
    mine, other = tmp_path / "book.jsonl", tmp_path / "other.jsonl"
    for each in (entry(1), entry(1, lost=4, recovery=(9.0,)), entry(1, lost=1), entry(1)):
        write(each, mine)
    write(entry(1), other)
    for books in ((mine,), (mine, other), (other, mine)):
        (line,) = lines([ROW], read(*books, chassis="a"))
        assert (line.times, line.bad, line.recovery) == (2, (4, 0, 0, 0), (9.0,))


def test_what_is_published_and_what_was_struck_here_are_one_table(tmp_path: Path) -> None:
    published, own = tmp_path / "published.jsonl", tmp_path / "not" / "yet" / "own.jsonl"
    write(entry(1), published)
    assert len(read(published, own, chassis="a")) == 1
    write(entry(2), own)
    (line,) = lines([ROW], read(published, own, chassis="a"))
    assert line.times == 4


def test_a_row_that_never_struck_says_so() -> None:
    (line,) = lines([ROW], [])
    assert markdown([line]).splitlines()[2] == f"| kill-kafka | {ROW.what} | not run yet |  |  |  |  |  |  |"


def test_the_table_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are copied from it into the command, so each stands whole in its line."""
    monkeypatch.setenv("COLUMNS", "80")
    struck = entry_of(ROW, 1, Outcome(1_000, Verdict(), [123.4]), chassis_digest())
    show(lines(ROWS.values(), [struck]), as_json=False)
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [ROW.name, "1,000", "0", "0", "0", "0", "123.4", "s", "123.4", "s"] in shown
    assert [words for words in shown if words[1:] == ["not", "run", "yet"]] == [
        [name, "not", "run", "yet"] for name in ROWS if name != ROW.name
    ]


def test_percentiles_are_ranks() -> None:
    assert percentiles(tuple(float(n) for n in range(1, 101))) == ("50.0 s", "99.0 s")
    assert percentiles((7.0,)) == ("7.0 s", "7.0 s")


def test_the_chassis_is_known_by_what_its_code_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "CHASSIS", tmp_path)
    code = tmp_path / "a.py"
    code.write_text('"""Says."""\nx = 1\n')
    before = chassis_digest()
    code.write_text('"""Says more."""\nx = 1  # a remark\n')
    assert chassis_digest() == before
    code.write_text(ast.unparse(ast.parse("x = 2")))
    assert chassis_digest() != before


def test_a_chassis_has_one_name_in_every_python() -> None:
    """A field that another Python has (functions got `type_params` with PEP 695), or not, is nothing if empty."""
    later = type("Pass", (ast.Pass,), {"_fields": ("came_later",), "came_later": []})
    assert shape(later()) == shape(ast.Pass())
    assert shape(ast.parse("x = 0")) != shape(ast.parse("x = None"))


def test_the_judge_names_what_is_less_and_what_is_more() -> None:
    inputs = Inputs(sent=[ShopOrder(1, 1000, "25596641")])  # type: ignore[arg-type]
    should = inputs.truth()
    less, more = ({"25596641": should["25596641"]._replace(points=points)} for points in (99, 101))
    assert compare(should, less) == (["points of 25596641: 99, not 100"], [])
    assert compare(should, more) == ([], ["points of 25596641: 101, not 100"])
    assert len(compare(should, {})[0]) == 4
    assert len(compare({}, should)[1]) == 3
    assert compare(should, should) == ([], [])


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


def test_the_truth_follows_the_last_revision_and_the_operator() -> None:
    paid = ShopOrder(1, 60_000, "25596641")  # type: ignore[arg-type]
    inputs = Inputs(sent=[ShopOrder(1, 60_000, "25596641", refunded=60_000, revision=2), paid])  # type: ignore[arg-type]
    assert inputs.truth()["25596641"] == Firm(1, 0, "bronze", "Stálý odběratel", starred=True, devices=0, tasks=0,
                                              opportunities=0)  # fmt: skip
    inputs.sent += [ShopOrder(2, 500, "25596641"), ShopOrder(3, 10, "27074358")]  # type: ignore[arg-type]
    inputs.moved[2] = "27074358"
    assert (inputs.truth()["25596641"].points, inputs.truth()["27074358"].points) == (0, 51)
