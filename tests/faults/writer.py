"""A process that writes events as hard as it can: ``python -m tests.faults.writer DSN SEED TASKS EVENTS``."""

import asyncio
import sys
from random import Random
from typing import ClassVar
from uuid import UUID

import asyncpg

from chassis.database import TROUBLE, Database
from chassis.events.incarnations import TryAgain
from chassis.events.unit import unit_of_work
from schemas.event import Event
from schemas.ids import derive


class Written(Event):
    """One event of a writer: its key's next one."""

    event_type: ClassVar[str] = "orders.written.v1"
    key: UUID
    number: int

    @property
    def partition_key(self) -> UUID:
        return self.key

    @property
    def subject_id(self) -> UUID:
        return self.key

    @property
    def subject_version(self) -> int:
        return self.number


class Withdrawn(Exception):
    """The writer thinks better of it: its transaction is rolled back."""


async def main(dsn: str, seed: str, tasks: int, events: int) -> None:
    """Write so many events in all, by so many tasks at once; print how many those were, which may be a few more."""
    database = Database(dsn, size=max(4, tasks + 2))
    await database.open()
    left = [events]
    async with asyncio.TaskGroup() as group:
        for number in range(tasks):
            group.create_task(write(database, Random(f"{seed} {number}"), f"{seed} {number}", left))
    await database.close()
    print(events - left[0])


def keys_of(name: str) -> list[UUID]:
    """Return the keys of which one task writes."""
    return [derive("writer", name, n) for n in range(200)]


async def write(database: Database, random: Random, name: str, left: list[int]) -> None:
    """Write unit after unit: mostly small ones, some of all lanes, some rolled back, some long."""
    keys = keys_of(name)
    versions = dict.fromkeys(keys, 0)
    while left[0] > 0:
        chosen = random.sample(keys, 100 if random.random() < 0.05 else random.randint(1, 20))
        news = {key: versions[key] + 1 for key in chosen}
        try:
            async with unit_of_work(database, "orders") as unit:
                unit.publish(*(Written(key=key, number=number) for key, number in news.items()))
                if random.random() < 0.02:
                    await asyncio.sleep(0.3)  # lint-skip: sleep a long transaction is one that takes its time
                if random.random() < 0.05:
                    raise Withdrawn
        except (Withdrawn, TryAgain):
            continue
        except asyncpg.DeadlockDetectedError:
            raise
        except TROUBLE:
            continue
        versions |= news
        left[0] -= len(news)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
