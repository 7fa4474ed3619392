"""Durable jobs, written with the state they follow: one per kind, a row with a cursor in each lane."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from chassis.database import Connection
from chassis.effects import StartJob
from chassis.events.lanes import LANES
from chassis.events.record import Cause
from chassis.events.timers import pack


class LaneOfJob(NamedTuple):
    """How far a job has come in one lane: ``after`` is the last key that had its turn, None before the first."""

    kind: str
    lane: int
    subject: UUID
    after: UUID | None
    cause: bytes


async def start_jobs(connection: Connection, jobs: Sequence[tuple[StartJob, Cause]]) -> None:
    """Begin jobs in all lanes, in the order of their rows; those that still run begin anew."""
    await connection.execute(
        "insert into chassis.jobs (kind, lane, subject, cause)"
        " select kind, lane, subject, cause from unnest($1::text[], $2::uuid[], $3::bytea[]) job(kind, subject, cause),"
        " generate_series(0, $4 - 1) lane order by kind, lane"
        " on conflict (kind, lane) do update set subject = excluded.subject, after = null, cause = excluded.cause",
        [job.kind for job, _ in jobs],
        [job.subject for job, _ in jobs],
        [pack(cause) for _, cause in jobs],
        LANES,
    )


async def explain_jobs(connection: Connection, jobs: Sequence[tuple[StartJob, Cause]]) -> None:
    """Replace the causes of jobs that this very transaction has started; their rows are locked already."""
    await connection.execute(
        "update chassis.jobs j set cause = c.cause from unnest($1::text[], $2::bytea[]) c(kind, cause)"
        " where j.kind = c.kind",
        [job.kind for job, _ in jobs],
        [pack(cause) for _, cause in jobs],
    )


async def running_jobs(pool: "asyncpg.Pool[asyncpg.Record]", kinds: Sequence[str]) -> list[tuple[str, int]]:
    """Return the jobs of some kinds that are not done, and the lanes where they are not."""
    rows = await pool.fetch(
        "select kind, lane from chassis.jobs where kind = any($1::text[]) order by lane, kind", kinds
    )
    return [(row["kind"], row["lane"]) for row in rows]


async def read_job(pool: "asyncpg.Pool[asyncpg.Record]", kind: str, lane: int) -> LaneOfJob | None:
    """Return how far a job has come in a lane, unlocked; None when it is done there."""
    row = await pool.fetchrow(
        "select kind, lane, subject, after, cause from chassis.jobs where kind = $1 and lane = $2", kind, lane
    )
    return LaneOfJob(*row) if row else None


async def move_job(connection: Connection, job: LaneOfJob, last: UUID) -> bool:
    """Note the last key that had its turn; False when the job is not where it was read."""
    return bool(
        await connection.fetchval(
            "update chassis.jobs set after = $5 where kind = $1 and lane = $2 and after is not distinct from $3"
            " and cause = $4 returning true",
            *(job.kind, job.lane, job.after, job.cause, last),
        )
    )


async def end_job(connection: Connection, job: LaneOfJob) -> bool:
    """Take a lane of a job out, since all had their turn; False when the job is not where it was read."""
    return bool(
        await connection.fetchval(
            "delete from chassis.jobs where kind = $1 and lane = $2 and after is not distinct from $3 and cause = $4"
            " returning true",
            *(job.kind, job.lane, job.after, job.cause),
        )
    )
