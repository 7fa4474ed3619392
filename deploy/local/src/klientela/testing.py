"""`klientela test`: pytest with a PostgreSQL and a Kafka of its own, far from the user's data and ports."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType
from uuid import uuid4

import psutil

from klientela.errors import Refusal
from klientela.kafka import KafkaBroker
from klientela.layout import PROJECT
from klientela.postgres import PostgresServer
from klientela.processes import family, send

WANTS_A_WORD = frozenset({"-k", "-m", "-p", "-o", "-c", "-W"})
"""Options of pytest after which a word stands that may be the name of a folder, too."""
FOLDERS = ("tests", "shared/*/tests", "services/*/tests", "deploy/*/tests")
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadscope", "--no-loadscope-reorder")
"""How all tests are run: a module or a class with one of two workers, in order. `-n 0` after it takes it back."""
RUN = "KLIENTELA_TEST_RUN"
"""The variable that tells to which run a process belongs."""

HELP = """Usage: klientela test [PATH...] [OPTIONS OF PYTEST]

Runs all tests, two at a time, or those of the paths one after the other, on a PostgreSQL and a Kafka of its own.
Variables that begin with KLIENTELA_TEST_ reach the tests. All else goes to pytest, which says:
"""


class Terminated(KeyboardInterrupt):
    """Somebody asked this process alone to end; Ctrl-C in a terminal is told to pytest, too."""


def run_tests(arguments: list[str]) -> int:
    """Run pytest on all tests, or on those that the arguments name; pytest's exit code."""
    if not (PROJECT / "requirements.lock").exists():
        raise Refusal("The tests are only in a checkout of the project. Run ./klientela test there.")
    if {"-h", "--help"} & set(arguments):
        print(HELP, flush=True)
        return subprocess.run([sys.executable, "-m", "pytest", "--help"], cwd=PROJECT, check=False).returncode
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore Ctrl-C, tests too
    place = Path(tempfile.mkdtemp(prefix="klientela-test-"))
    postgres = PostgresServer(place / "postgres", durable=False)
    kafka = KafkaBroker(place / "kafka", progress=lambda text: print(text, file=sys.stderr))
    try:
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(lambda server: server.start(), (postgres, kafka)):
                continue
        servers = {
            "KLIENTELA_TEST_POSTGRES": postgres.dsn,
            "KLIENTELA_TEST_POSTGRES_SOCKET": str(postgres.data),
            "KLIENTELA_TEST_KAFKA": kafka.bootstrap,
        }
        return run_pytest(arguments, servers)
    except KeyboardInterrupt:
        return 130
    finally:
        kafka.stop()
        postgres.stop()
        shutil.rmtree(place, ignore_errors=True)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """A request to end is the same as Ctrl-C: pytest and both servers are stopped on the way out."""
    raise Terminated


def names_paths(arguments: Sequence[str]) -> bool:
    """Whether arguments name tests by their paths; a word after an option that wants one is none.

    >>> names_paths(["-k", "."]), names_paths([".", "-q"])
    (False, True)
    """
    words = zip(("", *arguments), arguments, strict=False)
    return any(Path(word.partition("::")[0]).exists() for before, word in words if before not in WANTS_A_WORD)


def run_pytest(arguments: list[str], servers: Mapping[str, str]) -> int:
    """Run pytest in the project with nothing of the user's own suite in its environment, only what is meant for tests.

    When it is interrupted, it still says what has failed until then.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("KLIENTELA_TEST_") or not name.startswith("KLIENTELA_")
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what hundreds of Pythons import is compiled once
    environment |= servers
    command = [sys.executable, "-m", "pytest", f"--rootdir={PROJECT}"]
    if names_paths(arguments):
        where, command = Path.cwd(), [*command, *arguments]
    else:
        folders = [str(path) for pattern in FOLDERS for path in sorted(PROJECT.glob(pattern))]
        where, command = PROJECT, [*command, *SIDE_BY_SIDE, *arguments, *folders]
    environment[RUN] = uuid4().hex
    pytest = psutil.Popen(command, cwd=where, env=environment)
    try:
        return pytest.wait()
    except KeyboardInterrupt as asked:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would leave pytest without its servers
        begun = family(pytest)
        if isinstance(asked, Terminated):
            pytest.send_signal(signal.SIGINT)
        try:
            return pytest.wait()
        finally:
            send([*begun, *of_run(environment[RUN])], signal.SIGKILL)  # what tests started, and had no time to stop


def of_run(name: str) -> Iterator[psutil.Process]:
    """Find the processes of a run by their environment: whose parent has ended, nobody else knows any more."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(RUN) == name:
                yield process
