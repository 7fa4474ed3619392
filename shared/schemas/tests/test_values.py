"""What the value types refuse."""

import json
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.values import Amount, Currency, Instant, Money, Name, Text, is_dic, is_ico, tidy_ico

AMOUNT: TypeAdapter[Decimal] = TypeAdapter(Amount)
CURRENCY: TypeAdapter[str] = TypeAdapter(Currency)
TEXT: TypeAdapter[str] = TypeAdapter(Text)
NAME: TypeAdapter[str] = TypeAdapter(Name)


@pytest.mark.parametrize(
    "wire",
    [
        '"1e400"',
        "1e400",
        '"NaN"',
        "NaN",
        '"Infinity"',
        '"-Infinity"',
        f'"{"1" * 21}"',
        '"1e14"',
        '"0.0000001"',
        '""',
        "null",
    ],
)
def test_an_amount_that_no_ledger_can_hold_is_refused(wire: str) -> None:
    with pytest.raises(ValidationError):
        AMOUNT.validate_json(wire)


@pytest.mark.parametrize("wire", ["0", "-0.01", "99999999999999.999999", "1234.50"])
def test_an_exact_amount_is_kept_to_the_last_digit(wire: str) -> None:
    assert json.loads(AMOUNT.dump_json(AMOUNT.validate_json(f'"{wire}"'))) == wire


@pytest.mark.parametrize("wire", ["czk", "CZ", "CZKK", "CZK\n", "ČZK", "", "Kč", "12A"])
def test_a_currency_is_three_capitals(wire: str) -> None:
    with pytest.raises(ValidationError):
        CURRENCY.validate_python(wire)


def test_text_with_nul_is_refused_wherever_it_stands() -> None:
    for wire in (r'"\u0000"', r'"a\u0000b"', r'"a\u0000"'):
        for kind in (TEXT, NAME):
            with pytest.raises(ValidationError):
                kind.validate_json(wire)


@pytest.mark.parametrize("wire", [r'"\ud800"', r'"a\udfffb"', r'"\ud800\ud800"'])
def test_half_a_surrogate_pair_is_refused(wire: str) -> None:
    with pytest.raises(ValidationError):
        TEXT.validate_json(wire)
    with pytest.raises(ValidationError):
        TEXT.validate_python(json.loads(wire))


def test_a_whole_surrogate_pair_is_a_letter_like_any_other() -> None:
    assert TEXT.validate_json(r'"\ud83d\udd27"') == "\N{WRENCH}"


@pytest.mark.parametrize("wire", ["", " ", "\n\t", "x" * 301])
def test_a_name_is_neither_empty_nor_a_novel(wire: str) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(wire)


def test_amounts_of_two_currencies_are_never_added() -> None:
    crowns = Money(amount=Decimal(1), currency="CZK")
    euros = Money(amount=Decimal(1), currency="EUR")
    with pytest.raises(ValueError, match="cannot be added"):
        crowns + euros
    with pytest.raises(ValueError, match="cannot be added"):
        crowns - euros


@pytest.mark.parametrize(
    "number", ["81222221", "8122222", "812222200", "", "8122222O", "８1222220", " 81222220", "CZ812222"]
)
def test_a_wrong_ico_is_told(number: str) -> None:
    assert not is_ico(number)


@pytest.mark.parametrize("number", ["CZ81222221", "81222220", "cz81222220", "CZ", "CZ 81222220", "C181222220"])
def test_a_wrong_dic_is_told(number: str) -> None:
    assert not is_dic(number)


def test_an_ico_that_lost_its_zeros_in_a_spreadsheet_gets_them_back() -> None:
    assert tidy_ico("6947") == "00006947"
    assert is_ico(tidy_ico("6947"))


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-10-01T07:05:00"])
def test_a_moment_beyond_the_calendar_or_without_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(text)
