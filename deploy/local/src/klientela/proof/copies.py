"""Comparing the copies that services keep of others' subjects with the truth, row by row in constant memory."""

import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import asyncpg

from chassis.database import Connection
from chassis.service import Service
from klientela.proof.finding import Finding
from klientela.proof.snapshot import View

Row = Mapping[str, Any] | asyncpg.Record
Rows = AsyncIterator[Row]
PREFETCH = 1_000


class Unsorted(Exception):
    """Rows did not come in the order of their key, so they cannot be compared."""


def copies_of(service: Service) -> Mapping[str, str]:
    """What a service offers for comparing: SQL by the name of the owner. The owner's own entry is the truth.

    The first column of the SQL is the key, by which it is sorted; a copy has no column that its truth has not.
    """
    store = importlib.import_module(f"{service.package}.store")
    copies: Mapping[str, str] = getattr(store, "COPIES", {})
    return copies


async def compare_all(views: Mapping[str, View]) -> list[Finding]:
    """Compare every copy with its owner's truth; a copy whose owner offers no truth is a failure."""
    offered = {name: copies_of(view.service) for name, view in views.items()}
    found = []
    for name, copies in offered.items():
        for owner in (owner for owner in copies if owner != name):
            finding = Finding(check_name(owner, name))
            truth = offered.get(owner, {}).get(owner)
            if truth is None:
                finding.fail(f"{owner} offers nothing to compare with")
            else:
                await _compare(finding, (views[owner].connection, truth), (views[name].connection, copies[owner]))
            found.append(finding)
    return found


def check_name(owner: str, holder: str) -> str:
    """The name of the check that ``holder`` has what ``owner`` has."""
    return f"{owner}.{owner}-in-{holder}"


async def _compare(finding: Finding, truth: tuple[Connection, str], copy: tuple[Connection, str]) -> None:
    try:
        columns, theirs = await _columns_of(*copy), await _columns_of(*truth)
        if beyond := [name for name in columns if name not in theirs]:
            finding.fail(f"there is nothing to compare {', '.join(beyond)} with")
            return
        await merge(finding, columns, _stream(*truth), _stream(*copy))
    except (asyncpg.PostgresError, Unsorted) as error:
        finding.fail(f"the comparison could not be run: {type(error).__name__}")


async def _columns_of(connection: Connection, sql: str) -> list[str]:
    return [attribute.name for attribute in (await connection.prepare(sql)).get_attributes()]


async def _stream(connection: Connection, sql: str) -> AsyncIterator[Row]:
    async for row in connection.cursor(sql, prefetch=PREFETCH):
        yield row


async def merge(finding: Finding, columns: Sequence[str], truth: Rows, copies: Rows) -> None:
    """Walk both in the order of their key, which is the first of ``columns``, and note every difference.

    Raises Unsorted. A key that a copy has twice is a failure too.
    """
    key, *others = columns
    subject = key.removesuffix("_id")
    truth, copies = _sorted(truth, key), _sorted(copies, key)
    wanted, copied = await anext(truth, None), await anext(copies, None)
    seen: object = None
    while wanted or copied:
        if copied and copied[key] == seen:
            finding.fail(f"{subject} {copied[key]} is there twice")
            copied = await anext(copies, None)
        elif copied is None or (wanted and wanted[key] < copied[key]):
            finding.examined += 1
            if wanted:
                finding.fail(f"{subject} {wanted[key]} is missing")
            wanted = await anext(truth, None)
        elif wanted is None or copied[key] < wanted[key]:
            finding.examined += 1
            finding.fail(f"{subject} {copied[key]} is there, and its owner does not have it so")
            seen, copied = copied[key], await anext(copies, None)
        else:
            finding.examined += 1
            different = [f"{c} is {copied[c]} and not {wanted[c]}" for c in others if copied[c] != wanted[c]]
            if different:
                finding.fail(f"{subject} {wanted[key]}: {', '.join(different)}")
            seen, copied, wanted = copied[key], await anext(copies, None), await anext(truth, None)


async def _sorted(rows: Rows, key: str) -> AsyncIterator[Row]:
    before: Any = None
    async for row in rows:
        if before is not None and row[key] < before:
            raise Unsorted
        before = row[key]
        yield row
