"""Migrations: Alembic revisions that each run the .sql file beside them; the chassis' own first, then the service's.

One writer at a time by an advisory lock; ``lock_timeout`` keeps a migration from holding up a living system. A revision
is named after its file (``0001_orders.py`` is ``orders_0001``), so one query tells if a database is up to date.
"""

import importlib.util
from pathlib import Path

import asyncpg

LOCK = 7_250_103
CHASSIS = Path(__file__).parent.parent / "migrations"


def folder_of(package: str) -> Path:
    """Return where a service keeps its migrations."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        message = f"there is no package {package}"
        raise ModuleNotFoundError(message)
    return Path(spec.origin).parent / "migrations"


def head_of(folder: Path) -> str:
    """Return the last revision of a folder.

    >>> head_of(CHASSIS).startswith("chassis_")
    True
    """
    number, name = max(folder.glob("[0-9]*.py")).stem.split("_", 1)
    return f"{name}_{number}"


async def migrate(dsn: str, package: str | None) -> None:
    """Bring a database up to date with the chassis and a service's package: safe to run from many processes at once."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK)  # lint-skip: session-changed its own
        for name, folder in [("chassis", CHASSIS)] + ([(package, folder_of(package))] if package else []):
            table = f"migrations_{name}"
            if await _current(connection, table) != head_of(folder):
                await _upgrade(dsn, folder, table)
    finally:
        await connection.close()


def run_sql_beside(revision_file: str) -> None:
    """Run the .sql file with the name of a revision's file, whole, on the raw driver connection."""
    from alembic import op  # noqa: PLC0415 - heavy, and needed only when there is something to migrate
    from sqlalchemy.util.concurrency import await_only  # noqa: PLC0415

    driver = op.get_bind().connection.driver_connection
    if driver is None:
        message = "migrations need a live connection"
        raise RuntimeError(message)
    await_only(driver.execute("set local lock_timeout = '5s'"))
    await_only(driver.execute(Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8")))


async def _current(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> str | None:
    if await connection.fetchval("select to_regclass($1)", table) is None:
        return None
    known: str | None = await connection.fetchval(
        await connection.fetchval("select format('select version_num from %I', $1::text)", table)
    )
    return known


async def _upgrade(dsn: str, folder: Path, table: str) -> None:
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from sqlalchemy import Connection  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    script = ScriptDirectory(str(folder), version_locations=[str(folder)])

    def run(connection: Connection) -> None:
        with EnvironmentContext(
            Config(),
            script,
            fn=lambda revision, _: script._upgrade_revs("heads", revision),  # noqa: SLF001
        ) as context:
            context.configure(connection=connection, version_table=table)
            with context.begin_transaction():
                context.run_migrations()

    engine = create_async_engine(f"postgresql+asyncpg://{dsn.partition('://')[2]}", poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()
