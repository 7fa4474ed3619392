"""The book adds runs up by seed, for one chassis and one strike, and says what each run was."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.reliability import points
from tests.faults.__main__ import show
from tests.faults.book import (
    BadBook,
    Entry,
    Present,
    commit_of,
    entry_of,
    lines,
    markdown,
    open_for_writing,
    read,
    write,
)
from tests.faults.digests import strike_digest
from tests.faults.judge import Counts, Verdict
from tests.faults.row import Outcome
from tests.faults.rows import ROWS

ROW = ROWS["kill-kafka"]
PRESENT = Present("a", strike_digest("kill-kafka"), "c0ffee", "2026-12-01T07:00:00+00:00")


def entry(seed: int, *, chassis: str = "a", lost: int = 0, recovery: tuple[float, ...] = (1.0,)) -> Entry:
    return Entry("kill-kafka", seed, *PRESENT._replace(chassis=chassis), 2, lost, recovery=recovery)


def test_runs_add_up_by_seed_and_only_for_their_chassis(tmp_path: Path) -> None:
    mine = tmp_path / "book.jsonl"
    for each in (entry(1), entry(1), entry(2, recovery=(3.0,)), entry(3, chassis="b")):
        write(each, mine)
    (line,) = lines([ROW], read(mine, chassis="a"))
    assert (line.runs, line.times, line.counts, line.recovery) == (2, 4, (0, 0, 0, 0), (1.0, 3.0))
    assert read(mine, chassis="c") == []


def test_what_another_strike_came_to_does_not_count(tmp_path: Path) -> None:
    """Nor does a line of a book from before lines were as they are now."""
    mine = tmp_path / "book.jsonl"
    mine.write_text('{"row":"kill-kafka","seed":1,"chassis":"a","times":9,"bad":[0,0,0,0],"recovery":[]}\n')
    write(replace(entry(2), strike="of earlier"), mine)
    assert read(mine, chassis="a") == []
    write(entry(1), mine)
    assert [each.seed for each in read(mine, chassis="a")] == [1]


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (entry(1, lost=4), entry(1, lost=1, recovery=(9.0,))),
        (entry(1, recovery=(2.0, 9.0)), entry(1, recovery=(8.0,))),
        (entry(1, recovery=()), replace(entry(1), times=0, recovery=(), reasons=("it was not there",))),
    ],
    ids=["what was wrong", "how long it took", "what did not strike"],
)
def test_of_two_runs_of_one_seed_the_worse_counts(tmp_path: Path, worse: Entry, better: Entry) -> None:
    """In one book or in two, whichever was first: what did not happen again has happened."""
    mine, other, third = (tmp_path / f"{name}.jsonl" for name in ("mine", "other", "third"))
    for each in (better, worse, better):
        write(each, mine)
    write(better, other)
    write(worse, third)
    for books in ((mine,), (mine, other), (other, mine), (third, other)):
        assert read(*books, chassis="a") == [worse]


def test_what_did_not_strike_is_in_the_book_and_no_run(tmp_path: Path) -> None:
    """What was wrong in a run is, however often it struck."""
    mine = tmp_path / "book.jsonl"
    write(replace(entry(1), times=0, recovery=(), reasons=("it was not there",)), mine)
    (line,) = lines([ROW], read(mine, chassis="a"))
    assert (line.runs, line.times, len(read(mine, chassis="a"))) == (0, 0, 1)
    write(replace(entry(2, lost=1), times=0), mine)
    (line,) = lines([ROW], read(mine, chassis="a"))
    assert (line.runs, line.counts) == (1, (1, 0, 0, 0))
    assert "1" in line.cells[5:]


def test_what_is_published_and_what_was_struck_here_are_one_table(tmp_path: Path) -> None:
    published, own = tmp_path / "published.jsonl", tmp_path / "not" / "yet" / "own.jsonl"
    write(entry(1), published)
    assert len(read(published, own, chassis="a")) == 1
    write(entry(2), own)
    (line,) = lines([ROW], read(published, own, chassis="a"))
    assert line.times == 4


def test_a_line_says_by_name_what_was_run_and_what_came_of_it(tmp_path: Path) -> None:
    mine = tmp_path / "book.jsonl"
    verdict = Verdict(Counts(stuck=4), ["s" * 1_000, "stuck: b", "stuck: c", "stuck: d"])
    outcome = Outcome(1, verdict, [1.234], ["orders at relay.sent"])
    write(entry_of(ROW, 7, outcome, PRESENT), mine)
    assert json.loads(mine.read_text()) == {
        "row": "kill-kafka", "seed": 7, **PRESENT._asdict(), "times": 1, "lost": 0, "doubled": 0, "inverted": 0,
        "stuck": 4, "recovery": [1.23], "reasons": ["s" * 200, "stuck: b", "stuck: c"],
        "struck": ["orders at relay.sent"],
    }  # fmt: skip


@pytest.mark.parametrize("torn", ['{"row":"kill-kafka","se', "[1]", "{}", "\x00"])
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, torn: str) -> None:
    mine = tmp_path / "book.jsonl"
    write(entry(1), mine)
    with mine.open("a") as file:
        file.write(torn)
    with pytest.raises(BadBook, match=r"book.jsonl:2 is no line"):
        read(mine)


def test_a_book_that_is_none_is_refused_and_one_that_is_not_there_made(tmp_path: Path) -> None:
    with pytest.raises(BadBook, match="Is a directory"):
        read(tmp_path)
    open_for_writing(book := tmp_path / "new" / "book.jsonl")
    assert read(book) == []
    for no_place in (tmp_path, book / "below.jsonl", Path("/proc/none/book.jsonl")):
        with pytest.raises(BadBook, match="cannot be written"):
            open_for_writing(no_place)


def test_a_commit_is_known_and_whether_the_tree_has_more(tmp_path: Path) -> None:
    """What runs came to is written below docs, and is no other code."""
    assert commit_of(tmp_path) == ""
    (tmp_path / "docs").mkdir()
    me = ["-c", "user.name=I", "-c", "user.email=i@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], [*me, "commit", "-q", "--allow-empty", "--no-verify", "-m", "x"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    commit = commit_of(tmp_path)
    assert len(commit) == 12
    (tmp_path / "docs/reliability.jsonl").touch()
    assert commit_of(tmp_path) == commit
    (tmp_path / "more.py").touch()
    assert commit_of(tmp_path) == f"{commit}+"


def test_a_row_says_how_much_is_enough() -> None:
    (line,) = lines([ROW], [])
    assert markdown([line]).splitlines()[2] == f"| kill-kafka | {ROW.what} | faults |  | 0 of 20 |  |  |  |  |  |  |"
    (line,) = lines([ROW], [entry(1)])
    assert line.cells[3:6] == ["1", "2 of 20", "0"]


def test_each_point_says_how_often_it_was_killed_and_stopped_at(tmp_path: Path) -> None:
    struck = ("orders at relay.sent", "loyalty at job.claimed")
    for row, seeds in (("kill-at-point", 3), ("stop-at-point", 1)):
        for seed in range(seeds):
            write(replace(entry(seed), row=row, strike=strike_digest(row), struck=struck), tmp_path / "book.jsonl")
    told = points(read(tmp_path / "book.jsonl", chassis="a"))
    for known in ("- orders: `intake.stored` 0+0, ", "`relay.sent` 3+1", "- loyalty: `job.claimed` 3+1, "):
        assert known in told
    assert told.count(" 3+1") == 2


def test_the_table_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are copied from it into the command, so each stands whole in its line."""
    monkeypatch.setenv("COLUMNS", "80")
    struck = entry_of(ROWS["log"], 1, Outcome(1_003_236, Verdict(), [123.4]), PRESENT)
    show(lines(ROWS.values(), [struck]), as_json=False)
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["log", "1", "1.003M", "of", "1M", "0", "0", "0", "0", "123.4", "s", "123.4", "s"] in shown
    units = [row.unit for row in ROWS.values() if row.unit != "faults"]
    assert [words[0] for words in shown if len(words) == 1 and words[0] in units] == units
    assert [words[0] for words in shown if words[1:3] == ["0", "of"]] == [name for name in ROWS if name != "log"]


def test_machines_are_told_each_number_by_its_name_and_a_p99_only_of_a_hundred(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, p99 in ((99, {}), (100, {"p99": 99.0})):
        recovery = tuple(float(n) for n in range(number, 0, -1))
        show(lines([ROW], [entry(1, lost=3, recovery=recovery)]), as_json=True)
        assert json.loads(capsys.readouterr().out) == [{
            "row": "kill-kafka", "runs": 1, "times": 2, "enough": 20, "goal": 100, "unit": "faults", "lost": 3,
            "doubled": 0, "inverted": 0, "stuck": 0,
            "recovery": {"times": number, "p50": 50.0, "worst": float(number), **p99},
        }]  # fmt: skip
    show(lines([ROW], []), as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["recovery"] == {"times": 0}
