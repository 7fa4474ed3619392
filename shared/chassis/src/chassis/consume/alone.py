"""Trying by itself what failed in company: what fails alone, and again, is bad data."""

from collections.abc import Awaitable
from typing import Protocol

from chassis.database import COLLISIONS, COLLISIONS_BORNE, TROUBLE


class Attempt(Protocol):
    """Does the work, or buries it if it is given a reason to give up."""

    def __call__(self, *, give_up: str) -> Awaitable[object]:
        """Try, or bury."""


async def try_alone(attempt: Attempt) -> None:
    """Try once more, collisions a few times; then give up with the reason. Trouble is raised: it is nobody's fault."""
    kind = ""
    for _ in range(COLLISIONS_BORNE):
        try:
            await attempt(give_up="")
        except TROUBLE:
            raise
        except COLLISIONS as error:
            kind = type(error).__name__
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no trouble and it came again
            kind = type(error).__name__
            break
        else:
            return
    await attempt(give_up=f"fails alone: {kind}")
