"""All rows of the table, in its order."""

from tests.faults.row import Row
from tests.faults.rows import (
    clocks,
    fatal,
    impostors,
    limits,
    log,
    malformed,
    members,
    poison,
    processes,
    releases,
    rewinds,
    servers,
    topics,
    unharmed,
    wire,
)

MODULES = (
    unharmed, processes, servers, wire, topics, members, clocks, rewinds, log, poison, malformed, impostors, releases,
    fatal, limits,
)  # fmt: skip
ROWS: dict[str, Row] = {row.name: row for module in MODULES for row in module.ROWS}
WHERE = {row.name: module.__name__.rsplit(".", 1)[1] for module in MODULES for row in module.ROWS}
"""In which file each is."""
