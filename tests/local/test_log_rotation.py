"""Logs stay small while their writers keep writing."""

from pathlib import Path

from klientela.log_rotation import KEPT, rotate


def test_a_large_log_is_put_aside_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "orders.log"
    with log.open("a", buffering=1) as writer:
        for number in range(6):
            writer.write(f"line {number}\n")
            rotate(log, largest=3)
        writer.write("end\n")
    assert log.read_text() == "end\n"
    assert (tmp_path / "orders.log.1").read_text() == "line 5\n"
    assert len(list(tmp_path.iterdir())) == 1 + KEPT
