"""Keys say which signing key signed them, so that those of one can be told when it is forgotten."""

from chassis.run.migrations import run_sql_beside

revision = "clients_0002"
down_revision = "clients_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql_beside(__file__)
