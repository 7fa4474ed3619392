"""What was backed up comes back, and every service is told that it did."""

from pathlib import Path

import asyncpg

from tests.local.conftest import Suite


async def run(dsn: str, sql: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [str(row[0]) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_a_restore_brings_back_the_moment_of_the_backup(suite: Suite, tmp_path: Path) -> None:
    announcement = suite.up()
    assert "KLIENTELA_RESTORE_STAMP" not in suite.told("orders", announcement)
    dsn = suite.told("orders", announcement)["KLIENTELA_ORDERS_DATABASE"]
    await run(dsn, "create table notes as select 'before' as note")

    file = tmp_path / "kept.tar"
    done = suite.run("backup", str(file))
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    await run(dsn, "insert into notes values ('after')")
    running = suite.run("restore", str(file))
    assert running.returncode == 1
    assert "Stop it with `klientela down` first" in running.stderr
    suite.run("down")

    damaged = tmp_path / "damaged.tar"
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 512] = b"\xff" * 512
    damaged.write_bytes(content)
    refused = suite.run("restore", str(damaged))
    assert refused.returncode == 1
    assert "Nothing was changed." in refused.stderr

    done = suite.run("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert "revoked since the backup was made are good again" in done.stderr
    assert not suite.layout.kafka.exists(), "Kafka is filled again from the services' logs"
    assert next((suite.layout.root / "set-aside").iterdir()).joinpath("postgres", "data", "PG_VERSION").exists()
    announcement = suite.up()
    assert await run(dsn, "select note from notes") == ["before"]
    stamps = {suite.told(service, announcement)["KLIENTELA_RESTORE_STAMP"] for service in announcement["services"]}
    assert len(stamps) == 1
