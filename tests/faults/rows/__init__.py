"""All rows of the table, in its order."""

from tests.faults.row import Row
from tests.faults.rows import limits, log, malformed, members, poison, processes, releases, roads, servers, topics, wire

MODULES = (processes, servers, wire, topics, roads, members, log, poison, malformed, releases, limits)
ROWS: dict[str, Row] = {row.name: row for module in MODULES for row in module.ROWS}
