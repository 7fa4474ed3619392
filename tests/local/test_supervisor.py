"""Whatever is killed, the suite is whole again."""

import psutil

from klientela.services import is_ready
from tests.local.conftest import CHILDREN, Suite, eventually


def test_a_killed_child_is_started_again(suite: Suite) -> None:
    suite.up()
    for name, port in (("orders", 2), ("postgres", 92), ("kafka", 90)):
        victim = suite.process(name)
        victim.kill()
        psutil.wait_procs([victim], timeout=10)
        eventually(
            f"{name} runs again", lambda name=name, old=victim.pid: suite.lives(name) and suite.process(name).pid != old
        )  # type: ignore[misc]
        eventually(
            f"{name} listens",
            lambda name=name, port=suite.base + port: any(  # type: ignore[misc]
                connection.laddr[1:] == (port,) for connection in suite.process(name).net_connections(kind="inet")
            ),
        )
    eventually("all services are ready", lambda: suite.run("status", "--json").returncode == 0)


def test_up_after_the_supervisor_was_killed_leaves_one_whole_suite(suite: Suite) -> None:
    suite.up()
    orphans = [suite.process(name) for name in CHILDREN]
    (suite.layout.run / "loyalty.json").unlink()
    supervisor = suite.process("supervisor")
    supervisor.kill()
    psutil.wait_procs([supervisor], timeout=10)
    assert all(orphan.is_running() for orphan in orphans), "a killed supervisor takes nobody with it"

    suite.up()

    assert not any(orphan.is_running() for orphan in orphans)
    assert all(is_ready(suite.base + number) for number in range(1, 6))


def test_down_also_stops_what_lost_its_supervisor(suite: Suite) -> None:
    suite.up()
    supervisor = suite.process("supervisor")
    supervisor.kill()
    psutil.wait_procs([supervisor], timeout=10)
    done = suite.run("down")
    assert done.returncode == 0
    assert "had lost its supervisor: " in done.stderr
    assert suite.is_gone
    assert "Nothing was running." in suite.run("down").stderr
