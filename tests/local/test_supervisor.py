"""Whatever is killed, the suite is whole again."""

from functools import partial

from klientela.processes import lives, wait_for_end
from klientela.services import is_ready
from tests.local.conftest import CHILDREN, Suite, eventually


def serves_again(suite: Suite, name: str, port: int, killed: int) -> bool:
    """Whether another process than the killed one listens for this name."""
    if not suite.lives(name) or suite.process(name).pid == killed:
        return False
    return any(tuple(one.laddr)[1:] == (port,) for one in suite.process(name).net_connections(kind="inet"))


def kill(suite: Suite, name: str) -> int:
    """Kill one process of the suite and nothing else; its pid."""
    victim = suite.process(name)
    victim.kill()
    assert wait_for_end([victim], 10)
    return victim.pid


def test_a_killed_child_is_started_again(suite: Suite) -> None:
    suite.up()
    for name, offset in (("orders", 2), ("postgres", 92), ("kafka", 90)):
        killed = kill(suite, name)
        eventually(f"{name} serves again", partial(serves_again, suite, name, suite.base + offset, killed))
    eventually("all services are ready", lambda: suite.run("status", "--json").returncode == 0)


def test_up_after_the_supervisor_was_killed_leaves_one_whole_suite(suite: Suite) -> None:
    suite.up()
    orphans = [suite.process(name) for name in CHILDREN]
    (suite.layout.run / "loyalty.json").unlink()
    kill(suite, "supervisor")
    assert all(lives(orphan) for orphan in orphans), "a killed supervisor takes nobody with it"
    for command in ("status", "verify"):
        done = suite.run(command)
        assert done.returncode == 1
        assert "`klientela up` ends" in done.stdout + done.stderr

    suite.up()

    assert not any(lives(orphan) for orphan in orphans)
    assert all(is_ready(suite.base + number) for number in range(1, 6))


def test_down_also_stops_what_lost_its_supervisor(suite: Suite) -> None:
    suite.up()
    kill(suite, "supervisor")
    done = suite.run("down")
    assert done.returncode == 0
    assert "had lost its supervisor: " in done.stderr
    assert suite.is_gone
    assert "Nothing was running." in suite.run("down").stderr
