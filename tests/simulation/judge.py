"""The verdict on one seed, from the rows alone; it knows nothing of the chassis."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import orjson


async def faults(shop: asyncpg.Pool, till: asyncpg.Pool, keys: Sequence[UUID]) -> list[str]:
    """Return what is wrong: each event heard once, in its order, no gap, the sum right, nothing stuck."""
    wrong = []
    written = await shop.fetch(
        "select key, lane, sequence, id, body from chassis.events where key = any($1::uuid[]) order by lane, sequence",
        keys,
    )
    heard = await till.fetch("select client, event from journal where client = any($1::uuid[]) order by number", keys)
    dead = {
        orjson.loads(row["record"])["record"]["id"]
        for row in await till.fetch("select record from chassis.dead_letters where resolved_at is null")
    }
    for key in keys:
        should = [row["id"] for row in written if row["key"] == key and str(row["id"]) not in dead]
        did = [row["event"] for row in heard if row["client"] == key]
        if did != should:
            wrong.append(f"{key} heard {len(did)} events of {len(should)}, in the order {[did.index(e) for e in did]}")
        total = sum(amount(row["body"]) for row in written if row["id"] in should)
        has = await till.fetchval("select total from till where client = $1", key) or 0
        if has != total:
            wrong.append(f"{key} came to {has}, not {total}")
    return wrong + await gaps(shop) + await stuck(shop, till)


async def gaps(shop: asyncpg.Pool) -> list[str]:
    """Name lanes that do not end at their head, counted from what they ended at before."""
    rows = await shop.fetch(
        "select lane, head, (select max(sequence) from chassis.events e where e.lane = c.lane) last"
        " from chassis.counters c where head <> coalesce((select max(sequence) from chassis.events e"
        " where e.lane = c.lane), 0)"
    )
    return [f"lane {row['lane']} ends at {row['last']}, its head is {row['head']}" for row in rows]


async def stuck(shop: asyncpg.Pool, till: asyncpg.Pool) -> list[str]:
    """Name what is not done."""
    parked = await till.fetchval("select count(*) from chassis.parked")
    unsent = "select lane from chassis.counters join chassis.cursors using (lane) where head > sequence"
    behind = await shop.fetch(unsent)
    heads = {row["lane"]: row["head"] for row in await shop.fetch("select lane, head from chassis.counters")}
    progress = await till.fetch("select lane, sequence from chassis.progress where source = 'orders'")
    late = [lane for lane, sequence in progress if sequence != heads.get(lane, 0)]
    return [f"{what}: {found}" for what, found in (("parked", parked), ("unsent", behind), ("late", late)) if found]


def amount(body: bytes) -> int:
    """Return an order's total."""
    return int(orjson.loads(body)["order"]["total"]["amount"])
