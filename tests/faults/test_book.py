"""The book adds runs up by seed, for one chassis; the judge finds what differs."""

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from uuid import UUID

import pytest

from tests.faults import digests
from tests.faults.__main__ import show
from tests.faults.book import Entry, entry_of, lines, markdown, read, write
from tests.faults.digests import chassis_digest, shape, strike_digest
from tests.faults.inputs import NOBODY, Firm, Inputs
from tests.faults.judge import Verdict, compare
from tests.faults.row import Draw, Outcome, Row
from tests.faults.rows import ROWS
from tests.faults.rows.releases import REASONS, Letter, add_letters, those_of
from tests.faults.stage import Stage
from tests.shop import ShopOrder

ROW = ROWS["kill-kafka"]


def entry(seed: int, *, chassis: str = "a", lost: int = 0, recovery: tuple[float, ...] = (1.0,)) -> Entry:
    return Entry("kill-kafka", seed, chassis, 2, (lost, 0, 0, 0), recovery, strike_digest("kill-kafka"))


def test_runs_add_up_by_seed_and_only_for_their_chassis(tmp_path: Path) -> None:
    mine = tmp_path / "book.jsonl"
    for each in (entry(1, recovery=(9.0,)), entry(1), entry(2, recovery=(3.0,)), entry(3, chassis="b")):
        write(each, mine)
    (line,) = lines([ROW], read(mine, chassis="a"))
    assert (line.runs, line.times, line.bad, line.recovery) == (2, 4, (0, 0, 0, 0), (1.0, 3.0))
    assert read(mine, chassis="c") == []


def test_what_another_strike_came_to_does_not_count(tmp_path: Path) -> None:
    """Nor does a line of a book from before strikes were named."""
    mine = tmp_path / "book.jsonl"
    mine.write_text('{"row":"kill-kafka","seed":1,"chassis":"a","times":9,"bad":[0,0,0,0],"recovery":[]}\n')
    write(replace(entry(2), strike="of earlier"), mine)
    assert read(mine, chassis="a") == []
    write(entry(1), mine)
    assert [each.seed for each in read(mine, chassis="a")] == [1]


def test_a_strike_is_known_by_the_row_s_module_and_the_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "FAULTS", tmp_path)
    (tmp_path / "rows").mkdir()
    for name in ("load", "operators", "producer", "rows/servers", "rows/topics"):
        (tmp_path / f"{name}.py").write_text("x = 1")
    seen = [(strike_digest("kill-kafka"), strike_digest("freeze-kafka"), strike_digest("lose-kafka"))]
    for name in ("rows/servers", "load"):
        (tmp_path / f"{name}.py").write_text("x = 2")
        seen.append((strike_digest("kill-kafka"), strike_digest("freeze-kafka"), strike_digest("lose-kafka")))
    first, other_row, other_load = seen
    assert [now != before for now, before in zip(other_row, first, strict=True)] == [True, True, False]
    assert [now != before for now, before in zip(other_load, other_row, strict=True)] == [True, True, True]


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
    assert markdown([line]).splitlines()[2] == f"| kill-kafka | {ROW.what} |  | not run yet |  |  |  |  |  |  |"


def test_the_table_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are copied from it into the command, so each stands whole in its line."""
    monkeypatch.setenv("COLUMNS", "80")
    struck = entry_of(ROW, 1, Outcome(1_000, Verdict(), [123.4]), "a", "b")
    show(lines(ROWS.values(), [struck]), as_json=False)
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [ROW.name, "1", "1,000", "0", "0", "0", "0", "123.4", "s", "123.4", "s"] in shown
    assert [words for words in shown if words[1:] == ["not", "run", "yet"]] == [
        [name, "not", "run", "yet"] for name in ROWS if name != ROW.name
    ]


def test_machines_are_told_each_number_by_its_name_and_a_p99_only_of_a_hundred(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, p99 in ((99, {}), (100, {"p99": 99.0})):
        recovery = tuple(float(n) for n in range(number, 0, -1))
        show(lines([ROW], [entry(1, lost=3, recovery=recovery)]), as_json=True)
        assert json.loads(capsys.readouterr().out) == [{
            "row": "kill-kafka", "runs": 1, "times": 2, "lost": 3, "doubled": 0, "out_of_order": 0, "stuck": 0,
            "recovery": {"times": number, "p50": 50.0, "worst": float(number), **p99},
        }]  # fmt: skip
    show(lines([ROW], []), as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["recovery"] == {"times": 0}


@pytest.mark.asyncio
async def test_who_recovers_late_is_stuck() -> None:
    async def run(_stage: Stage, _random: Draw) -> Outcome:
        return Outcome(1, Verdict(), [59.9, 65.0])

    stage, random = cast(Stage, SimpleNamespace(load=SimpleNamespace())), Draw("late", 1)
    assert (await Row("late", "", 1, 1, run).strike(stage, random)).verdict.reasons == [
        "stuck: recovered after 65 s, over 60 s"
    ]
    assert (await Row("late", "", 1, 1, run, within=100).strike(stage, random)).verdict.reasons == []
    assert {name: row.within for name, row in ROWS.items() if row.within != 60} == {
        "lose-kafka": 100,
        "first-fill": 100,
    }


def test_the_chassis_is_known_by_what_its_code_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "CHASSIS", tmp_path)
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


def test_the_model_knows_nothing_of_the_services() -> None:
    """It imports the standard library and how the tests know a shop, which itself knows HTTP and no more."""

    def borrowed(name: str) -> set[str]:
        tree = ast.parse((Path(__file__).parents[1] / name).read_text())
        named = {str(each.module) for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
        named |= {alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names}
        return {each for each in named if each.split(".", maxsplit=1)[0] not in sys.stdlib_module_names}

    assert borrowed("faults/inputs.py") == {"tests.shop"}
    assert borrowed("shop.py") == {"httpx"}


def test_what_was_acted_on_leaves_its_marks_when_the_order_is_gone() -> None:
    """As where the orders were set back: a firm is a regular for an order that its owner no longer knows."""
    kept, gone = ShopOrder(1, 500, "27074358"), ShopOrder(2, 60_000, "25596641")  # type: ignore[arg-type]
    inputs = Inputs(sent=[kept], owners={"27074358": NOBODY})
    assert inputs.truth([kept, gone]) == {
        "25596641": Firm(0, 0, "bronze", "Stálý odběratel", starred=True, devices=0, tasks=0, opportunities=0),
        "27074358": Firm(0, 0, "bronze", "Stálý odběratel", starred=False, devices=0, tasks=0, opportunities=0),
    }
