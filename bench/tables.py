"""What is in the tables of a database: their rows, which of them are new, and what is left to do."""

from collections.abc import Iterable
from typing import NamedTuple

from bench.servers import connection_to
from chassis.database import Connection

UNDONE = """
    select *, (select count(*) from chassis.dead_letters where resolved_at is null) as dead from chassis.waiting
"""
TABLES = """
    select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum),
        format('select %s from %I.%I', string_agg(quote_ident(a.attname), ', ' order by a.attnum), nspname, relname),
        format('select count(*) from %I.%I', n.nspname, c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
        and a.attgenerated = '' and n.nspname not in ('pg_catalog', 'information_schema')
    group by n.nspname, c.relname order by 1, 2
"""


class Table(NamedTuple):
    """A table, those of its columns that are not generated, and how it is asked for them and for their number."""

    schema: str
    name: str
    columns: tuple[str, ...]
    rows: str = ""
    number: str = ""

    def __str__(self) -> str:
        """Write it as SQL has it."""
        return f"{self.schema}.{self.name}"


Added = dict[Table, list[tuple[object, ...]]]
"""Rows by table."""


class Unfinished(Exception):
    """Not all was done of what there was to do, or more than that."""


async def tables_of(connection: Connection) -> list[Table]:
    """Return which tables there are."""
    found = await connection.fetch(TABLES)
    return [Table(schema, name, tuple(columns), *asked) for schema, name, columns, *asked in found]


async def rows_of(dsn: str) -> Added:
    """Return the rows of all tables."""
    found = {}
    async with connection_to(dsn) as connection:
        for table in await tables_of(connection):
            found[table] = [tuple(row) for row in await connection.fetch(table.rows)]
    return found


async def copy_part(connection: Connection, added: Added, start: int, end: int, whole: int) -> None:
    """Copy as large a part of the rows of each table as that from start to end is of a whole."""
    for table, rows in added.items():
        part = rows[len(rows) * start // whole : len(rows) * end // whole]
        await connection.copy_records_to_table(
            table.name, schema_name=table.schema, columns=table.columns, records=part
        )


async def count_of(connection: Connection, tables: Iterable[Table]) -> dict[str, int]:
    """Return how many rows there are in tables."""
    return {str(table): await connection.fetchval(table.number) for table in tables}


async def undone_in(connection: Connection) -> dict[str, int]:
    """Return what a service still has to do, and how many dead letters there are."""
    return {what: count for what, count in (await connection.fetchrow(UNDONE) or {}).items() if count}


def added(after: Added, before: Added) -> tuple[Added, list[str]]:
    """Return the rows that are new, and of which tables none: those in which one was changed in place or taken out."""
    found: Added = {}
    left_out = []
    for table, rows in after.items():
        known = set(map(repr, before.get(table, [])))
        new = [row for row in rows if repr(row) not in known]
        if len(rows) - len(new) != len(known):
            left_out.append(str(table))
        elif new:
            found[table] = new
    return found, left_out
