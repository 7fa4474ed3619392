"""The rows of the table, in its order."""

from bench.race import Row
from bench.rows import consumers, loop, relay

ROWS: dict[str, Row] = {row.name: row for module in (relay, loop, consumers) for row in module.ROWS}
