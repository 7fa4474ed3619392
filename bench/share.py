"""The size at which rows are run: all of it, or the share that BENCH_SHARE names, to try them.

A figure of a share is none to publish, and its unit says so. The variable's name does not begin with KLIENTELA_: a
bench takes nothing from the environment of the user's own suite.
"""

import os
import sys
import time

VARIABLE = "BENCH_SHARE"
SELDOM = 30.0
"""Seconds between two words on work that takes long."""


def share_of(text: str) -> float:
    """Read a share. Raises SystemExit for what is none.

    >>> share_of(""), share_of("0.01")
    (1.0, 0.01)
    """
    try:
        share = float(text or 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        message = f"{VARIABLE} is a share of the size, above 0 and at most 1: {text} is none."
        raise SystemExit(message)
    return share


SHARE = share_of(os.environ.get(VARIABLE, ""))


def scaled(full: int, least: int = 1) -> int:
    """Return the share of a size, a multiple of the least that makes sense.

    >>> scaled(1_000_000, 10) == 1_000_000 * SHARE
    True
    """
    return max(round(full * SHARE / least), 1) * least


def unit(text: str) -> str:
    """Return the unit of a row whose size is scaled; at less than its size it is another one.

    >>> unit("orders/s").startswith("orders/s")
    True
    """
    return text if SHARE == 1 else f"{text} at {SHARE:.1%} of the size"


def say(text: str) -> None:
    """Tell how far a row has come that takes long."""
    print(text, file=sys.stderr, flush=True)


class Seldom:
    """Tells how far something has come, and is silent for a while after each time."""

    def __init__(self, name: str) -> None:
        """Name what it is of."""
        self._name, self._told = name, time.monotonic()

    def say(self, text: object) -> None:
        """Tell it, unless it was told just now."""
        if time.monotonic() - self._told > SELDOM:
            say(f"{self._name}: {text}")
            self._told = time.monotonic()
