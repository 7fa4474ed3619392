"""Nothing fails: how long work takes by itself, and forty orders at once of a firm that nobody knew."""

from tests.faults.row import Draw, Row, under_load
from tests.faults.stage import Stage


async def do_nothing(stage: Stage, random: Draw) -> int:
    """The row that all others are to be compared with: how long an order takes when nothing strikes."""
    return 1


async def create_one_firm_at_once(stage: Stage, random: Draw) -> int:
    """Operators and forty orders, all at once, of a firm that nobody knew: it is one client."""
    await stage.load.rush(random)
    return 1


ROWS = (
    Row("nothing", "nothing strikes: what the others are to be compared with", 10, 50, under_load(do_nothing)),
    Row(
        "one-firm",
        "operators and 40 orders at once of a firm that nobody knew",
        3,
        10,
        under_load(create_one_firm_at_once),
    ),
)
