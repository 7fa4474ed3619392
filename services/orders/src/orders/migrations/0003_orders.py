"""Orders are found by what their channel calls them without reading all others."""

from chassis.run.migrations import run_sql_beside

revision = "orders_0003"
down_revision = "orders_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql_beside(__file__)
