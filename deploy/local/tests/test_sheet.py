"""A sheet of ours computes nothing that others wrote, and is read again as it was meant."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klientela.sheet import NUMBER, Sheet, meant, shown

FORMULAS = [
    "=1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x.example","Faktura")', "=IMPORTXML(CONCAT(A1))", "=", "==1",
    "+1+1", "+cmd|' /C calc'!A0", "+420 603 123 456", "-1+1", "-2+3+cmd|' /C calc'!A0", "--1", "-", "- 5", "-5 ks",
    "@SUM(1+1)*cmd|' /C calc'!A0", "@", "\t=1+1", "\t", "\r=1+1", "\n=1+1", "\0=1+1", " =1+1", "  +1+1", "\u00a0=1+1",
    "＝1+1", "＋1+1", "－1+1", "＠SUM(A1)", "'=1+1", "''=1+1", "=1+1;-5", '="a","b"', "=1\n=2", "-5-", "+5e3x", "-٣",
    "Firma;=HYPERLINK(A1)", "Firma,=1+1", "Firma\t=1+1", "Firma\n=1+1", "Firma\r\n=1+1", "Firma; =1+1", "Firma;;=1+1",
    'Firma;"=1+1', 'Firma;""=1+1"', "Firma;'=1+1", "Firma;@SUM(A1)", "Firma; +420 603 123 456", "5,-5", "-5,25;-5",
    ";=", "Firma;＝1+1", "Firma;\0=1+1", "'Firma;''-1", "a;=1;b;=2", "\t;\r,\n=",
]  # fmt: skip
HARMLESS = [
    "",
    "Kávovar",
    "-5",
    "+5",
    "-5.25",
    "-5,25",
    "0",
    "5-1",
    "a=b",
    "jana@example.com",
    "'t Hof",
    "'",
    "it's",
    "1'='",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_compute_is_shown(text: str) -> None:
    assert not computed(shown(text))
    assert meant(shown(text)) == text


def test_what_is_computed_is_known_here_by_itself() -> None:
    assert computed("=1") == ["=1"]
    assert computed("Firma;=1+1") == ["=1+1"]
    assert computed('Firma;"=1+1"') == ['=1+1"']
    assert computed("'=1;'=2") == computed("-5,25") == []


def computed(cell: str) -> list[str]:
    """Return what of a cell a spreadsheet would compute, whatever it divides by and whatever it leaves out."""
    parts = re.split(r"[;,\t\r\n]", cell)
    bare = [part.replace("\0", "").lstrip(' "\u00a0\t\r\n') for part in parts]
    return [] if NUMBER.fullmatch(cell) else [part for part in bare if part[:1] and part[0] in "=+-@＝＋－＠"]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert shown(text) == text
    assert meant(text) == text


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\n\0 ＝5.,;\"a") | st.characters(codec="utf-8")))
def test_every_text_is_read_as_it_was_meant(text: str) -> None:
    assert meant(shown(text)) == text


def test_every_cell_of_every_row_goes_through_it() -> None:
    file = io.StringIO(newline="")
    Sheet(file).writerow([7, "no total", *FORMULAS])
    file.seek(0)
    (row,) = csv.reader(file, delimiter=";")
    assert row[:2] == ["7", "no total"]
    assert [meant(cell) for cell in row[2:]] == FORMULAS
    assert not [cell for cell in row[2:] if computed(cell)]
    assert file.getvalue().startswith('"7";"no total";"')


@pytest.mark.parametrize("ours", [";", ",", "\t"])
@pytest.mark.parametrize("theirs", [";", ",", "\t"])
def test_a_spreadsheet_that_divides_by_another_sign_computes_nothing(ours: str, theirs: str) -> None:
    file = io.StringIO(newline="")
    for formula in FORMULAS:
        Sheet(file, ours).writerow(["Firma", formula])
    file.seek(0)
    assert not [cell for row in csv.reader(file, delimiter=theirs) for cell in row if computed(cell)]
