"""The PostgreSQL and the Kafka that all tests of faults stand on."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from klientela.errors import Refusal
from klientela.jars import Jar, class_path, fetch
from klientela.kafka import KafkaBroker, new_cluster_id
from klientela.postgres import PostgresServer
from klientela.processes import lives


async def test_what_postgresql_committed_survives_being_killed(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "postgres") as server:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("create table kept as select 1 as number")
        server.kill()
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await connection.execute("select 1")
        connection.terminate()
        server.start()
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("select number from kept") == 1
        server.freeze()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.fetchval("select 1"), 0.3)
        server.thaw()
        connection.terminate()


async def test_a_cluster_whose_first_process_died_alone_is_taken_over(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "postgres") as server:
        connection = await asyncpg.connect(server.dsn)
        backend = psutil.Process(await connection.fetchval("select pg_backend_pid()"))
        os.kill(backend.pid, signal.SIGSTOP)
        server.process.kill()
        assert server.popen is not None
        server.popen.wait()
        server.start()
        assert not lives(backend), "a backend of the dead server would write beside the new one"
        connection.terminate()


async def test_no_password_no_entry(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "postgres") as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn.replace(server.password, "guess"))
        assert server.data.stat().st_mode & 0o777 == 0o700


async def test_an_error_quotes_nobodys_row_in_the_log(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "postgres") as server:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("create table people (mail text primary key, age int check (age > 0))")
        for age in (1, 2, -1):
            with suppress(asyncpg.IntegrityConstraintViolationError):
                await connection.execute("insert into people values ($1, $2)", "jana@example.com", age)
        await connection.close()
        said = server.log.read_text()
    assert "people_pkey" in said
    assert "people_age_check" in said
    assert "jana@example.com" not in said


async def test_what_kafka_acknowledged_survives_being_killed(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path / "kafka") as broker:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("kept", 1, 1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
            await producer.send_and_wait("kept", b"word")
        broker.kill()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", broker.port), timeout=1)
        broker.start()
        async with AIOKafkaConsumer(
            "kept", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
        ) as consumer:
            record = await asyncio.wait_for(consumer.getone(), 20)
        assert record.value == b"word"


def test_a_jar_that_is_not_the_locked_one_is_never_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "some.jar").write_bytes(b"something else")
    monkeypatch.setenv("KLIENTELA_MAVEN_MIRROR", (tmp_path / "mirror").as_uri())
    home = tmp_path / "repository"
    with pytest.raises(Refusal, match="not the file that"):
        fetch([Jar("some.jar", "0" * 64)], home, print)
    assert list(home.rglob("*")) == []


def test_a_jar_that_does_not_come_at_first_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror").mkdir()
    late = tmp_path / "mirror" / "some.jar"
    monkeypatch.setenv("KLIENTELA_MAVEN_MIRROR", (tmp_path / "mirror").as_uri())
    monkeypatch.setattr("klientela.jars.time.sleep", lambda _seconds: late.write_bytes(b"jar"))
    fetch([Jar("some.jar", sha256(b"jar").hexdigest())], tmp_path / "repository", print)
    assert (tmp_path / "repository" / "some.jar").read_bytes() == b"jar"


def test_missing_jars_without_a_registry_are_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLIENTELA_MAVEN_MIRROR", (tmp_path / "nowhere").as_uri())
    monkeypatch.setenv("M2_REPO", str(tmp_path / "repository"))
    with pytest.raises(Refusal, match="KLIENTELA_KAFKA"):
        class_path(print)


def test_a_cluster_id_never_looks_like_an_option() -> None:
    assert not any(new_cluster_id().startswith("-") for _ in range(1000))
