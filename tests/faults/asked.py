"""What was asked on the command line of `klientela faults`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from tests.faults.book import OWN_BOOK
from tests.faults.rows import ROWS

MANY = 10**9
"""More than anybody strikes, and more seeds than anybody needs."""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="klientela faults", description="Strike, judge, write the book, show it.")
    parser.add_argument("rows", nargs="*", metavar="ROW", type=row_name, help="rows of the table; all if none")
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--times", type=number_from(1), help="faults to add to each row (1: one run of it)")
    many.add_argument("--until", choices=("enough", "goal"), help="add what each row still lacks of its number")
    parser.add_argument(
        "--seed", type=number_from(0), help="run exactly from this seed on, also if it is in the book already"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines on stdout")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--list", action="store_true", help="say which rows there are, and end")
    instead.add_argument("--table", action="store_true", help="print the table as it stands, and strike nothing")
    parser.add_argument("--book", type=Path, default=OWN_BOOK, help="where results are written, beside those published")
    return parser.parse_args()


def number_from(least: int) -> Callable[[str], int]:
    """Read whole numbers that are at least so much, and no more than anybody means."""

    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(MANY)) and least <= int(text) <= MANY):
            message = f"{text} is no whole number from {least} to {MANY}"
            raise argparse.ArgumentTypeError(message)
        return int(text)

    return number


def row_name(text: str) -> str:
    """Return the name of a row. Raises ArgumentTypeError for what is none."""
    if text not in ROWS:
        message = f"there is no row {text}; --list says which there are"
        raise argparse.ArgumentTypeError(message)
    return text
