"""All rows of the table, in its order."""

from tests.faults.row import Row
from tests.faults.rows import processes

ROWS: dict[str, Row] = {row.name: row for module in (processes,) for row in module.ROWS}
