"""The rows of the table, in its order: those that take an hour or more come last."""

from bench.race import Row
from bench.rows import (
    chain,
    consumers,
    effect,
    importing,
    loop,
    members,
    memory,
    relay,
    second_start,
    snapshot,
    timers,
    webhook,
)

MODULES = (
    relay, loop, consumers, webhook, effect, chain, members, snapshot, timers, second_start, memory, importing,
)  # fmt: skip
ROWS: dict[str, Row] = {row.name: row for module in MODULES for row in module.ROWS}
