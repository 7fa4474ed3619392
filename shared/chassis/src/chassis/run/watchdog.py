"""The watchdog: a process whose event loop stands still ends itself, so that it is started again.

What a decision does in an endless loop, no time limit of the same loop can end. A frozen process that thaws is not
ended: its watchdog was frozen, too. Code that never gives the interpreter back cannot be seen from inside.
"""

import asyncio
import os
from threading import Event, Thread

import structlog

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h: an internal fault."""
log = structlog.get_logger()


class Watchdog:
    """Ends this process when the running loop has not turned for so many seconds; use it as a context manager."""

    def __init__(self, patience: float, every: float = 1.0) -> None:
        self._loop, self._patience, self._every = asyncio.get_running_loop(), patience, every
        self._turned, self._over = True, Event()
        self._thread = Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Watch no longer."""
        self._over.set()

    def _watch(self) -> None:
        silent = 0.0
        while not self._over.wait(self._every):
            if self._turned:
                self._turned, silent = False, 0.0
                self._loop.call_soon_threadsafe(self._turn)
                continue
            silent += self._every
            if silent >= self._patience:
                log.critical("the process stood still and ends itself", seconds=silent)
                os._exit(EXIT_CODE)

    def _turn(self) -> None:
        self._turned = True
