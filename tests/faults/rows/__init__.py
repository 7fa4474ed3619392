"""All rows of the table, in its order."""

from tests.faults.row import Row
from tests.faults.rows import limits, log, members, poison, processes, servers, topics, wire

ROWS: dict[str, Row] = {row.name: row for module in (processes, servers, wire, topics, members, log, poison, limits) for row in module.ROWS}
