"""What a service's process is told."""

from pathlib import Path

import pytest

from klientela.services import restore_stamps


@pytest.mark.parametrize(
    ("written", "given", "told"), [("", "", ""), ("a", "", "a"), ("", "b", "b"), ("a", "b", "a/b"), ("a", "c", "a/c")]
)
def test_a_stamp_that_a_person_sets_counts_beside_that_of_the_last_restore(
    tmp_path: Path, written: str, given: str, told: str
) -> None:
    stamp = tmp_path / "restore-stamp"
    if written:
        stamp.write_text(f"{written}\n")
    assert restore_stamps(stamp, {"KLIENTELA_RESTORE_STAMP": given} if given else {}) == told
