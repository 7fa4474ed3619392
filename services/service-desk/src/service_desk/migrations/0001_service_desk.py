"""Devices, what is known of their orders, and the work done on them."""

from chassis.run.migrations import run_sql_beside

revision = "service_desk_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql_beside(__file__)
