"""What was started for a machine ends with who made it, though that one was killed and could end nothing."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from klientela.layout import PROJECT
from klientela.processes import OWNER_VARIABLE, wait_for_end
from tests.faults.warden import warded

MAKER = f"""
import subprocess, sys
from pathlib import Path
from tests.faults.warden import warded

with warded(Path(sys.argv[1])):
    owners = [{{"{OWNER_VARIABLE}": sys.argv[1] + where}} for where in ("/kafka/run", "", "-of-another")]
    started = [subprocess.Popen(["sleep", "1000"], env=owner, start_new_session=True) for owner in owners]
    print(*(each.pid for each in started), flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("frozen", [False, True])
def test_what_a_killed_run_has_started_ends(tmp_path: Path, *, frozen: bool) -> None:
    folder = tmp_path / "klientela-machine-x"
    (folder / "kafka").mkdir(parents=True)
    command = [sys.executable, "-c", MAKER, str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as maker:
        assert maker.stdout
        *mine, others = [psutil.Process(int(pid)) for pid in maker.stdout.readline().split()]
        (warden,) = [each for each in psutil.Process(maker.pid).children() if "tests.faults.warden" in each.cmdline()]
        if frozen:
            mine[0].send_signal(signal.SIGSTOP)
        maker.kill()
    assert wait_for_end([*mine, warden], 20)
    assert not folder.exists()
    assert others.is_running()
    others.kill()


def test_a_warden_goes_with_its_machine(tmp_path: Path) -> None:
    before = psutil.Process().children()
    with warded(tmp_path / "machine"):
        (warden,) = set(psutil.Process().children()) - set(before)
    assert not warden.is_running()
