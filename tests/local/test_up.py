"""Starting, finding again and stopping a suite."""

import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from klientela.layout import PROJECT, DataDirectory
from klientela.processes import ProcessRecord
from klientela.supervisor import Start
from tests.local.conftest import CHILDREN, Suite


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_up_says_in_one_line_where_everything_is_and_leaves_nothing_open(running: Suite) -> None:
    announcement = running.up()

    assert list(announcement) == ["services", "kafka", "postgres", "key", "data"]
    names = ["clients", "orders", "service-desk", "loyalty", "automation"]
    addresses = [f"http://127.0.0.1:{running.base + number}" for number in range(1, 6)]
    assert announcement["services"] == dict(zip(names, addresses, strict=True))
    assert announcement["kafka"] == f"127.0.0.1:{running.base + 90}"
    assert f"@127.0.0.1:{running.base + 92}/" in announcement["postgres"]
    assert announcement["data"] == str(running.layout.root)
    assert running.up() == announcement, "a second up says the same and starts nothing"

    folders = (
        running.layout.root,
        running.layout.secrets,
        running.layout.logs,
        running.layout.run,
        running.layout.postgres,
    )
    assert {mode(folder) for folder in (*folders, running.layout.kafka)} == {0o700}
    secrets = list(running.layout.secrets.iterdir())
    assert {"operator-key", "service-key", "signing-key.json"} <= {path.name for path in secrets}
    assert {mode(path) for path in secrets} == {0o600}
    listening = {
        connection.laddr[0]
        for name in CHILDREN
        for connection in running.process(name).net_connections(kind="inet")
        if connection.status == "LISTEN"
    }
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_a_service_is_told_of_no_database_but_its_own(running: Suite) -> None:
    announcement = running.up()
    for service in announcement["services"]:
        told = running.told(service, announcement)
        databases = [name for name in told if name.endswith("_DATABASE")]
        assert databases == [f"KLIENTELA_{service.upper().replace('-', '_')}_DATABASE"]
        assert ("KLIENTELA_SIGNING_KEY" in told) == (service == "clients")


def test_status_names_every_process(running: Suite) -> None:
    done = running.run("status", "--json")
    state = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert set(state["processes"]) == {"supervisor", *CHILDREN}
    assert all(service["ready"] for service in state["services"].values())


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare to cut the network"
)
def test_the_second_start_needs_no_network(suite: Suite) -> None:
    suite.up()
    assert suite.run("down").returncode == 0
    alone = ("unshare", "--net", "sh", "-c", 'ip link set lo up && "$@"', "alone")
    done = suite.run("up", "--detach", "--port-base", str(suite.base), before=alone)
    assert done.returncode == 0, done.stderr


def test_in_the_foreground_ctrl_c_stops_everything_in_order(suite: Suite) -> None:
    call = [*suite.command, "up", "--json", "--data", str(suite.layout.root), "--port-base", str(suite.base)]
    with subprocess.Popen(
        call, env=suite.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as up:
        assert up.stdout is not None
        assert json.loads(up.stdout.readline())["data"] == str(suite.layout.root)
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0
    assert suite.is_gone
    assert "database system is shut down" in (suite.layout.logs / "postgres.log").read_text()


def test_a_taken_port_is_named_together_with_its_holder(suite: Suite) -> None:
    with socket.create_server(("127.0.0.1", suite.base + 2)):
        done = suite.run("up", "--detach", "--port-base", str(suite.base))
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"Port {suite.base + 2}, which the service orders needs, is taken by" in done.stderr
    assert str(os.getpid()) in done.stderr
    assert "--port-base" in done.stderr
    assert suite.is_gone


def test_ports_of_another_suite_are_told_once_with_ports_that_are_free(running: Suite, tmp_path: Path) -> None:
    second = Suite(DataDirectory.at(tmp_path / "second"), running.base)
    done = second.run("up", "--detach", "--port-base", str(second.base))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count(f"The Klientela of {running.layout.root} has these ports.") == 1
    assert "End that process" not in done.stderr
    proposed = int(done.stderr.rsplit(" ", 1)[1].strip(". \n"))
    assert proposed % 100 == 0
    assert proposed > running.base
    assert second.run("preflight", "--port-base", str(proposed)).returncode == 0


def test_up_does_not_pass_over_that_it_runs_on_another_base(running: Suite) -> None:
    done = running.run("up", "--detach", "--port-base", str(running.base + 1000))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"up already with --port-base {running.base}, not {running.base + 1000}" in done.stderr
    assert "Nothing was changed." in done.stderr
    assert running.run("up", "--detach").returncode == 0, "who names no base wants none"


def test_up_does_not_pass_over_that_another_program_runs_the_data(running: Suite) -> None:
    start = running.layout.run / "start.json"
    text = start.read_text()
    try:
        start.write_text(json.dumps(json.loads(text) | {"project": "/elsewhere/klientela"}))
        done = running.run("up", "--detach")
    finally:
        start.write_text(text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "started from /elsewhere/klientela and not from" in done.stderr


def test_other_servers_than_at_the_last_start_are_used_when_that_is_meant(suite: Suite) -> None:
    suite.layout.prepare()
    Start(suite.base, str(PROJECT), ("kafka",)).write(suite.layout)
    done = suite.run("up", "--detach", "--port-base", str(suite.base))
    assert (done.returncode, done.stdout) == (2, "")
    assert "(no longer set: KLIENTELA_KAFKA)" in done.stderr
    suite.up("--moved")
    assert suite.up("--moved") == suite.up(), "it has moved"
    suite.environment["KLIENTELA_KAFKA"] = "127.0.0.1:9"
    done = suite.run("up", "--detach", "--moved")
    assert done.returncode == 2
    assert "is up already, on the servers from before (newly set: KLIENTELA_KAFKA)" in done.stderr


def test_a_start_while_another_is_under_way_says_so(suite: Suite) -> None:
    suite.layout.prepare()
    with (suite.layout.run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = suite.run("up", "--detach", "--port-base", str(suite.base))
    assert done.returncode == 1
    assert "is being started or stopped" in done.stderr
    status = suite.run("status", "--json")
    assert (status.returncode, json.loads(status.stdout)["state"]) == (1, "down")


@pytest.mark.parametrize("newer", [{"suite": "99.0"}, {"postgresql": 19}, {"kafka": "9.9"}, {"lanes": 96}])
def test_data_of_a_newer_release_is_refused_and_left_alone(suite: Suite, newer: dict[str, object]) -> None:
    suite.layout.prepare()
    suite.layout.stamp()
    text = json.dumps(json.loads(suite.layout.format.read_text()) | newer)
    suite.layout.format.write_text(text)
    done = suite.run("up", "--detach", "--port-base", str(suite.base))
    assert done.returncode == 1
    assert "cannot be used by Klientela" in done.stderr
    assert suite.layout.format.read_text() == text
    assert not suite.layout.postgres.exists()


def test_a_stale_pid_file_harms_no_stranger(suite: Suite) -> None:
    suite.layout.prepare()
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as stranger:
        try:
            for name in ("supervisor", "postgres", "clients"):
                ProcessRecord(stranger.pid, created=1.0).write(suite.layout.run / f"{name}.json")
            suite.up()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_service_that_cannot_start_ends_the_start_with_its_last_words(suite: Suite) -> None:
    suite.environment["KLIENTELA_SERVE"] = "sh -c 'echo the coffee is out >&2; exit 3'"
    done = suite.run("up", "--detach", "--port-base", str(suite.base))
    assert done.returncode == 1
    assert "ended while it was starting" in done.stderr
    assert "the coffee is out" in done.stderr
    assert suite.is_gone
