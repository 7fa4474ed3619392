"""Facts per client, rules and their versions, runs."""

from chassis.run.migrations import run_sql_beside

revision = "automation_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql_beside(__file__)
