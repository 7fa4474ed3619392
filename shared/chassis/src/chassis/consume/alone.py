"""Trying by itself what failed in company: what fails alone, and again, is bad data."""

from collections.abc import Awaitable
from functools import partial
from typing import Any, Protocol

import structlog

from chassis.database import COLLISIONS, COLLISIONS_BORNE, TOO_MUCH, TROUBLE
from chassis.errors import place_of

log = structlog.get_logger()


class Trial(Protocol):
    """Does the work, or buries it if it is given a reason to give up."""

    def __call__(self, *, give_up: str) -> Awaitable[object]:
        """Try, or bury."""


class Chore(Protocol):
    """Does what waits in one transaction, noting in ``claimed`` what that is; or ``only`` one of it, as a trial."""

    def __call__(self, claimed: list[Any], *, only: Any = None, give_up: str = "") -> Awaitable[int]:  # noqa: ANN401 - whatever the chore claims
        """Do, and return how many there were."""


async def together_or_alone(what: str, chore: Chore) -> int:
    """Do a chore; if it fails, and not for trouble but its size, do each that it claimed by itself.

    Returns how many there were.
    """
    claimed: list[Any] = []
    try:
        return await chore(claimed)
    except Exception as error:
        log.error("chore failed", of=what, claimed=len(claimed), error=type(error).__name__, at=place_of(error))  # noqa: TRY400 - a traceback quotes values
        if isinstance(error, TROUBLE) and not (isinstance(error, TOO_MUCH) and len(claimed) > 1):
            raise
    for each in claimed:
        await try_alone(partial(chore, [], only=each))
    return len(claimed)


async def try_alone(trial: Trial) -> None:
    """Try once more, collisions a few times; then give up with the reason. Trouble is raised: it is nobody's fault."""
    kind = ""
    for _ in range(COLLISIONS_BORNE):
        try:
            await trial(give_up="")
        except TROUBLE:
            raise
        except COLLISIONS as error:
            kind = type(error).__name__
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no trouble and it came again
            kind = type(error).__name__
            break
        else:
            return
    await trial(give_up=f"fails alone: {kind}")
