"""Clients, identities, statuses, tasks, keys, and the copies of orders."""

from chassis.run.migrations import run_sql_beside

revision = "clients_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql_beside(__file__)
