"""Named points where tests stop or kill a real process, or a simulated one; else they cost one function call.

``KLIENTELA_FAULT=commit.before:3:kill`` sends SIGKILL to the process at the third pass; ``stop`` sends SIGSTOP instead.
"""

import os
import signal
from collections.abc import Callable
from typing import Final

POINTS: Final = frozenset({
    "states.loaded", "states.saved", "counters.locked", "events.written", "commit.before", "commit.after",
    "relay.read", "relay.sent", "relay.acknowledged", "cursor.written", "batch.progress-locked", "offset.before",
    "offset.after", "feed.page", "attempt.noted", "timer.claimed", "job.claimed", "intake.stored", "intake.claimed",
    "restatement.asked", "outside.stored",
})  # fmt: skip

_FAULT = os.environ.get("KLIENTELA_FAULT", "")
_left = int(_FAULT.split(":")[1]) if _FAULT else 0
Strike = Callable[[str], None]


def _signal(point: str) -> None:
    global _left  # noqa: PLW0603 - a countdown of the whole process
    name, _, action = _FAULT.split(":")
    if name == point:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)


_strike: Strike | None = _signal if _FAULT else None


def strike_with(strike: Strike | None) -> None:
    """Have a simulation told of every pass in this process; what it raises ends the step as a death would."""
    global _strike  # noqa: PLW0603 - points belong to the process
    _strike = strike


def reach(point: str) -> None:
    """Pass a named point; kill or stop this process if a test asked for it here."""
    if _strike is not None:
        _strike(point)
