"""What `status` shows: memory that may be summed, in tables of eighty columns."""

import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from klientela import status
from klientela.services import SERVICES

LANES = {
    "heads": {"0": [1, 1_234_567, 1_234_560]},
    "progress": {},
    "intake": 12_345,
    "timers_due": 123,
    "jobs": 123,
    "parked": 1_234,
}


def state_of_a_large_suite() -> dict[str, Any]:
    process = {"pid": 4_194_304, "up_seconds": 31_535_999.0, "memory_bytes": 12_345_678_901}
    services = {
        service.name: {"url": "http://127.0.0.1:65005", "ready": True, "status": LANES | {"dead": 1_234}}
        for service in SERVICES
    }
    return {
        "state": "up", "data": "/data", "processes": dict.fromkeys(status.PROCESSES, process), "services": services,
        "memory_bytes": 8 * 12_345_678_901, "elsewhere": ["kafka", *services],
    }  # fmt: skip


def test_the_tables_of_a_large_suite_fit_into_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status.show(state_of_a_large_suite())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.strip().startswith("service-desk ") for line in lines) == 2, "no name is cut"
    assert any("1,234,567" in line and "12,345" in line for line in lines)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells shared memory apart")
def test_shared_memory_is_counted_once() -> None:
    """A child that only shares its parent's pages takes nearly nothing more, though both have them all."""
    shared = bytearray(os.urandom(1)) * 200_000_000
    before = status.memory(psutil.Process())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    both = [psutil.Process(), psutil.Process(child)]
    together = sum(status.memory(process) for process in both)
    resident = sum(process.memory_info().rss for process in both)
    os.close(writing)
    os.waitpid(child, 0)
    assert len(shared) < resident - together
    assert together < before + len(shared) / 2


def test_where_the_system_does_not_tell_shared_memory_apart_all_of_it_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(status, "PROC", tmp_path)
    me = psutil.Process()
    assert status.memory(me) == pytest.approx(me.memory_info().rss, rel=0.2)


def test_a_service_that_is_gone_is_shown_as_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    state = state_of_a_large_suite()
    del state["processes"]["orders"]
    state["services"]["orders"] |= {"ready": False, "status": None}
    state["services"]["loyalty"]["status"] |= {"progress": {"orders": {"0": "1:7"}}}
    status.show(state)
    lines = capsys.readouterr().out.splitlines()
    processes, lanes = (line for line in lines if line.strip().startswith("orders "))
    assert [line.split()[3] for line in lines if line.strip().startswith("loyalty ")][1] == "?", "its lag is not known"
    assert processes.split() == ["orders", "gone", "no", "http://127.0.0.1:65005"]
    assert lanes.split() == ["orders", "no", "answer"]
