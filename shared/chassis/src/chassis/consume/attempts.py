"""Attempts: a batch in which a process died is done one by one; what ends a process three times alone is bad data.

An attempt is noted before it is made, by a connection of its own. The table is unlogged: it costs next to nothing, and
a crash of the database empties it, so that nobody is blamed for that. A process has many attempts in hand when it dies;
so a message that was alone in its batch at a death is tried with nothing else in hand from then on, and only the deaths
of such trials are counted on.
"""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Protocol

from chassis.database import TROUBLE, Database
from chassis.events.unit import Unit, unit_of_work
from chassis.points import reach

DEATHS_BORNE = 3

BEGIN = """
    insert into chassis.attempts as known (work, place, process, alone)
    select work, place, $3, $4 from unnest($1::text[], $2::text[]) asked(work, place) order by work
    on conflict (work) do update set
        place = excluded.place,
        process = excluded.process,
        alone = excluded.alone or (known.place = excluded.place and known.process <> excluded.process),
        deaths = case
            when known.place <> excluded.place then 0
            when known.alone and known.process <> excluded.process and (known.sole or known.deaths = 0)
                then known.deaths + 1
            else known.deaths
        end,
        sole = false
    returning alone, deaths
"""
FORGET = "delete from chassis.attempts where work = any($1::text[]) and process = $2"
SOLE = "update chassis.attempts set sole = $3 where work = $1 and process = $2"


Works = Mapping[str, object]
"""What goes on from place to place, such as the lanes of a source, and where each of them is."""


class Suspect(Exception):
    """A process died in this batch, whoever was to blame: each of it is to be tried alone."""


class Note(Protocol):
    """Notes what is attempted, as ``attempted`` does, until the unit is committed; returns a reason to give it up."""

    def __call__(self, work: str | Works, places: Sequence[object], *, comes_again: bool = False) -> Awaitable[str]:
        """Note an attempt. Raises Suspect."""


@asynccontextmanager
async def unit_attempted(database: Database, source: str) -> AsyncIterator[tuple[Unit, Note]]:
    """Open a unit of work of the background, and a note that lasts until it is committed: it may die of that, too."""
    async with AsyncExitStack() as until_committed, database.background, unit_of_work(database, source) as unit:

        async def note(work: str | Works, places: Sequence[object], *, comes_again: bool = False) -> str:
            attempt = attempted(database, work, places, comes_again=comes_again)
            return await until_committed.enter_async_context(attempt)

        yield unit, note


@asynccontextmanager
async def attempted(
    database: Database, work: str | Works, places: Sequence[object], *, comes_again: bool = False
) -> AsyncIterator[str]:
    """Attempt messages, each named by a place of its own; within, a reason to give a lone one up, or nothing.

    ``work`` is what goes on from place to place, one attempt at a time; a batch of several such names the first place
    of each. Where the same place ``comes_again``, having ended well is no death. Raises Suspect for a batch in which a
    process died.
    """
    if not places:
        yield ""
        return
    works, alone = {work: places[0]} if isinstance(work, str) else work, len(places) == 1
    async with database.attempts.reader:
        names, firsts = list(works), [str(place) for place in works.values()]
        known = await database.notes.fetch(BEGIN, names, firsts, database.process, alone)
        reach("attempt.noted")
        if not alone and any(row["alone"] for row in known):
            raise Suspect
        deaths = known[0]["deaths"] if alone else 0
        if not deaths:
            async with _survived(database, names, comes_again=comes_again):
                yield ""
            return
    if deaths >= DEATHS_BORNE:
        yield f"it ended the process {deaths} times"
        return
    async with database.attempts.writer, _tried_solely(database, names[0], comes_again=comes_again):
        yield ""


@asynccontextmanager
async def _survived(database: Database, works: Sequence[str], *, comes_again: bool) -> AsyncIterator[None]:
    """Take the note away where its place may come again: we live, it is no death."""
    try:
        yield
    except BaseException:
        comes_again = True
        raise
    finally:
        if comes_again:
            with suppress(*TROUBLE):
                await database.notes.execute(FORGET, works, database.process)


@asynccontextmanager
async def _tried_solely(database: Database, work: str, *, comes_again: bool) -> AsyncIterator[None]:
    """Note that nothing else is in hand, for as long as that is so; forget all where what ended well comes again."""
    await database.notes.execute(SOLE, work, database.process, True)
    try:
        yield
    except BaseException:
        comes_again = False
        raise
    finally:
        with suppress(*TROUBLE):  # we live: it is no death
            if comes_again:
                await database.notes.execute(FORGET, [work], database.process)
            else:
                await database.notes.execute(SOLE, work, database.process, False)
