"""Judges a seed by what stands in the databases; it knows nothing of the chassis, only its tables and promises."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

EVENTS = """
    select e.lane, e.sequence, e.id, e.type, e.key, e.subject, e.body
    from unnest($1::smallint[], $2::bigint[]) s(lane, head)
    cross join lateral (select * from chassis.events e where e.lane = s.lane and e.sequence > s.head) e
    order by e.lane, e.sequence
"""
JOURNAL = (
    "select number, handler, key, what, fired, total from journal join sheet using (key) where number > $1"
    " order by number"
)
DEAD = "select handler, type, record from chassis.dead_letters where died_at > $1 order by died_at"
PLACES = "select lane, head, clock_timestamp() as at from chassis.counters order by lane"
Places = dict[int, int]


class Violation(AssertionError):
    """A promise was broken."""


def expect(promise: bool, message: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not promise:
        raise Violation(message)


class Side:
    """What one seed after the other leaves in one database."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.heads: Places = {}
        self.last_line = 0

    async def begin(self) -> None:
        """Learn where everything stands before the first seed."""
        rows = await self.connection.fetch(PLACES)
        self.heads, self.at = {row["lane"]: row["head"] for row in rows}, rows[0]["at"]

    async def read(self) -> None:
        """Read what has come since the seed before."""
        self.places = self.heads
        self.log = await self.connection.fetch(EVENTS, list(self.places), list(self.places.values()))
        self.journal = await self.connection.fetch(JOURNAL, self.last_line)
        self.dead = await self.connection.fetch(DEAD, self.at)
        self.totals = {row["key"]: row["total"] for row in self.journal}
        self.last_line = max((row["number"] for row in self.journal), default=self.last_line)
        await self.begin()

    def check_numbers(self, who: str) -> None:
        """Every lane goes on without a gap, up to its counter."""
        at = dict(self.places)
        for row in self.log:
            at[row["lane"]] += 1
            expect(row["sequence"] == at[row["lane"]], f"{who}: hole before {row['sequence']} of lane {row['lane']}")
        expect(at == self.heads, f"{who}: a counter is not its lane's last number")

    def applied(self, handler: str) -> list[tuple[UUID, UUID, bool]]:
        """What a handler did, in order."""
        return [(row["key"], row["what"], row["fired"]) for row in self.journal if row["handler"] == handler]


def by_key(rows: Iterable[tuple[Any, ...]]) -> dict[UUID, list[tuple[Any, ...]]]:
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for key, *rest in rows:
        found[key].append(tuple(rest))
    return dict(found)


def same(what: str, found: dict[UUID, list[Any]], wanted: dict[UUID, list[Any]]) -> None:
    """Expect the same things, as often, in the same order within each key."""
    for key in found.keys() | wanted.keys():
        mine, right = found.get(key, []), wanted.get(key, [])
        for each in right:
            expect(mine.count(each) >= right.count(each), f"{what}: {each} of {key} was never applied")
            expect(mine.count(each) <= right.count(each), f"{what}: {each} of {key} was applied twice")
        expect(len(mine) == len(right), f"{what}: more was applied of {key} than was written")
        expect(mine == right, f"{what}: {key} was applied out of order")


def judge(till: Side, book: Side, written: set[UUID], undone: set[UUID], torn: set[UUID]) -> None:
    """Check all promises. Raises Violation."""
    till.check_numbers("till")
    book.check_numbers("book")
    notes = [
        (row["key"], row["subject"], json.loads(row["body"])) for row in till.log if row["type"] == "till.noted.v1"
    ]
    ids = [number for _, number, _ in notes]
    expect(len(ids) == len(set(ids)), "something was noted twice")
    expect(written <= set(ids), "something that was committed is not in the log")
    expect(not undone & set(ids), "something that was rolled back is in the log")

    bad = {number for _, number, body in notes if body["kind"] in {"poison", "broken"}}
    check_dead(till, book, bad, torn)
    good = [(key, number, False) for key, number, _ in notes if number not in bad]
    same("count", by_key(book.applied("count")), by_key(good))
    asked = dict.fromkeys((row["key"], row["subject"], False) for row in till.log if row["type"] == "till.asked.v1")
    same("grant", by_key(book.applied("grant")), by_key(asked))

    rings = {number for _, number, body in notes if body["kind"] == "ring"}
    said = [(row["key"], row["subject"], json.loads(row["body"])) for row in book.log]
    same("said", by_key((k, n) for k, n, body in said if not body["fired"]), by_key((k, n) for k, n, _ in good))
    fired = {number: [(number,)] for number in rings}
    same("bell", by_key((key, number) for key, number, body in said if body["fired"]), fired)
    same("hear", by_key(till.applied("hear")), by_key((key, number, body["fired"]) for key, number, body in said))
    for key, lines in by_key((key, body["total"]) for key, _, body in said).items():
        expect([total for (total,) in lines] == list(range(1, len(lines) + 1)), f"totals of {key} jump")
        expect(till.totals[key] == len(lines), f"till's sheet of {key} is not what was applied")
        expect(book.totals.get(key, len(lines)) == len(lines), f"book's sheet of {key} is not what was applied")


def check_dead(till: Side, book: Side, bad: set[UUID], torn: set[UUID]) -> None:
    """Bad data, each once, and nothing else, is dead; for strangers see ``check_strangers``."""
    dead = [json.loads(row["record"]) for row in book.dead if row["handler"] != "topic"]
    letters = [UUID(letter["record"]["subject"]) for letter in dead]
    expect(sorted(letters) == sorted(bad), f"{len(letters)} dead letters in the book, {len(bad)} bad notes")
    slips = [json.loads(row["record"])["body"].split() for row in till.dead if row["type"] == "intake:slip"]
    buried = [UUID(number) for _, number, _ in slips]
    expect(sorted(buried) == sorted(torn), f"{len(buried)} dead letters at the till, {len(torn)} torn slips")
    expect(len(buried) == len(till.dead), "something good died at the till")


def check_strangers(book: Side, strangers: int, *, all_there: bool) -> None:
    """What somebody else put onto a topic is dead, once; one may be lost with the topic, or where its reader died."""
    dead = sum(row["handler"] == "topic" for row in book.dead)
    expect(dead <= strangers, f"{dead} strangers are dead letters of {strangers}")
    expect(dead == strangers or not all_there, f"only {dead} strangers are dead letters of {strangers}")
