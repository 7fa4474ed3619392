"""Running checks inside a service's snapshot."""

from collections.abc import Iterable, Iterator

import asyncpg

from chassis import checks as machinery
from chassis.database import Connection
from chassis.events.lanes import lane_of
from chassis.service import Check, Service
from klientela.proof.finding import Finding
from klientela.proof.snapshot import View
from klientela.proof.standing import beyond_heads
from schemas.catalogue import EVENTS

BODIES = 200
"""Of each lane the newest events whose bodies are read; the rest was read when it was new."""

NEWEST = """
    select e.lane, e.sequence, e.type, e.key, e.subject, e.version, e.body
    from chassis.counters c
    cross join lateral (select * from chassis.events where lane = c.lane order by sequence desc limit $1) e
    order by e.lane, e.sequence
"""


def full_name(service: Service, name: str) -> str:
    """The name of a check in the whole suite: without spaces, and the service's name before it once."""
    return f"{service.name}.{name.removeprefix(f'{service.name}.').replace(' ', '-')}"


async def findings_of(view: View) -> list[Finding]:
    """Run all checks that need one database only: the machinery's, then the service's own."""
    service, connection = view.service, view.connection
    found = [await run_check(connection, service, check) for check in (*machinery.CHECKS, *service.checks)]
    found.append(await read_bodies(connection, service))
    for name, (count, remark) in machinery.NOTES.items():
        number = await connection.fetchval(count)
        found.append(Finding(full_name(service, name), number, note=f"{number} {remark}" if number else ""))
    return found


async def run_check(connection: Connection, service: Service, check: Check) -> Finding:
    """Run one check; one that cannot be run at all has failed, and the others go on."""
    finding = Finding(full_name(service, check.name))
    try:
        async with connection.transaction():
            finding.examined = await connection.fetchval(check.examined)
            async for row in connection.cursor(check.failures):
                finding.fail(row["what"] or "a row without a name")
    except asyncpg.PostgresError as error:
        finding.fail(f"the check could not be run: {type(error).__name__}")
    return finding


async def read_bodies(connection: Connection, service: Service) -> Finding:
    """Read the newest events of each lane as their consumers do: body, key, subject, version and lane must agree."""
    finding = Finding(full_name(service, "log-readable"))
    async for row in connection.cursor(NEWEST, BODIES):
        finding.examined += 1
        finding.fail_all(f"lane {row['lane']} at {row['sequence']}: {fault}" for fault in _faults(service, row))
    return finding


def _faults(service: Service, row: asyncpg.Record) -> Iterator[str]:
    kind = EVENTS.get(row["type"])
    if kind is None or kind.owner() != service.name:
        yield f"{row['type']} is no event of {service.name}"
        return
    try:
        event = kind.model_validate_json(row["body"])
    except ValueError:
        yield f"the body cannot be read as {row['type']}"
        return
    said = {"key": event.partition_key, "subject": event.subject_id, "version": event.subject_version}
    yield from (f"the body has another {name}" for name, value in said.items() if row[name] != value)
    if lane_of(row["key"]) != row["lane"]:
        yield "the key belongs to another lane"


def progress_findings(views: Iterable[View]) -> list[Finding]:
    """Nobody has heard more than its owner has written."""
    by_name = {view.service.name: view for view in views}
    found = []
    for view in by_name.values():
        finding = Finding(full_name(view.service, "progress-not-beyond-head"), len(view.standing.progress))
        for source in sorted({source for source, _ in view.standing.progress}):
            owner = by_name.get(source)
            if owner is None:
                finding.fail(f"{source} is followed and is no service of the suite")
            else:
                finding.fail_all(beyond_heads(view.standing, source, owner.heads_after))
        found.append(finding)
    return found
