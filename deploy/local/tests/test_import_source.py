"""Reading files as they come."""

import gzip
from pathlib import Path

import pytest

from klientela.errors import Refusal
from klientela.importing.source import COLUMNS, SourceFile

HEADING = ",".join(COLUMNS)
LINE = "1,NM,Myčka růžová,1,2025-01-01 10:00:00,2.50,7,Česko"


def source(tmp_path: Path, content: bytes, name: str = "history.csv") -> SourceFile:
    path = tmp_path / name
    path.write_bytes(content)
    return SourceFile.recognise(path)


def refusal(tmp_path: Path, content: bytes, name: str = "history.csv") -> str:
    with pytest.raises(Refusal) as refused:
        list(source(tmp_path, content, name).rows())
    return str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1250"])
def test_czech_letters_are_read_whatever_wrote_them(tmp_path: Path, encoding: str) -> None:
    [row] = source(tmp_path, f"{HEADING}\n{LINE}\n".encode(encoding)).rows()
    assert (row.cells[2], row.cells[7]) == ("Myčka růžová", "Česko")


def test_western_letters_are_read_as_latin_1(tmp_path: Path) -> None:
    [row] = source(
        tmp_path, f"{HEADING}\n{LINE}\n".replace("Myčka růžová", "Café £40").replace("Č", "C").encode("latin-1")
    ).rows()
    assert row.cells[2] == "Café £40"


def test_a_letter_cut_off_at_the_end_is_no_utf_8(tmp_path: Path) -> None:
    assert source(tmp_path, f"{HEADING}\n{LINE}".encode()[:-1] + b"\xc4").encoding != "utf-8-sig"


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    packed = source(tmp_path, gzip.compress(f"{HEADING}\n{LINE}\n".encode()), "history.csv.gz")
    assert packed.name == "history"
    assert len(list(packed.rows())) == 1
    assert len(list(source(tmp_path, gzip.compress(f"{HEADING}\n{LINE}\n".encode()), "history").rows())) == 1


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_seen_in_the_heading(tmp_path: Path, delimiter: str) -> None:
    [row] = source(tmp_path, f"{HEADING}\n{LINE}\n".replace(",", delimiter).encode()).rows()
    assert row.invoice == "1"


def test_columns_may_stand_in_any_order_among_others_and_be_written_another_way(tmp_path: Path) -> None:
    text = (
        "note,Customer ID,country,unitprice,Invoice_Date,quantity,description,stockcode,INVOICENO\nx,7,CZ,2,d,1,n,s,9\n"
    )
    [row] = source(tmp_path, text.encode()).rows()
    assert row.cells == ("9", "s", "n", "1", "d", "2", "7", "CZ")


def test_rows_are_counted_by_the_line_they_begin_on(tmp_path: Path) -> None:
    text = f'{HEADING}\n1,a,"two\nlines",1,d,1,,\n\n2,a,b\n3,a,b,1,d,1,,\n'
    rows = list(source(tmp_path, text.encode()).rows())
    assert [(row.line, row.complete) for row in rows] == [(2, True), (5, False), (6, True)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"InvoiceNo,StockCode\n1,2\n", "lacks the columns Description, Quantity, InvoiceDate, UnitPrice"),
        (HEADING.replace(",Country", "").encode(), "lacks the column Country"),
        (f"{HEADING},Country\n".encode(), "two columns Country"),
        (b"\0" * 5_000, "lacks the columns"),
        (b"PK\x03\x04rest of a workbook", "workbooks are not read yet"),
        (HEADING.encode("utf-16"), "UTF-16"),
        (gzip.compress(f"{HEADING}\n{LINE}\n".encode() * 99)[:-20], "damaged"),
        (b"\x1f\x8bnot gzip at all", "damaged"),
        (f'{HEADING}\n1,"{"x" * 200_000}'.encode(), "quotation mark"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in refusal(tmp_path, content)


def test_a_workbook_is_refused_by_its_name_too(tmp_path: Path) -> None:
    assert "not read yet" in refusal(tmp_path, b"x", "history.xlsx")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="No such file"):
        SourceFile.recognise(tmp_path / "nothing.csv")
    with pytest.raises(Refusal, match="directory"):
        SourceFile.recognise(tmp_path)


def test_a_heading_alone_is_an_empty_history(tmp_path: Path) -> None:
    assert list(source(tmp_path, HEADING.encode()).rows()) == []
