"""What an import shows on stderr while it runs."""

from types import TracebackType
from typing import Self

import rich.progress
from rich.console import Console

from klientela.importing.quiet import Backlog


class Progress:
    """A bar for sending and a line for what the suite has still to do; lines of news above them."""

    def __init__(self) -> None:
        """Nothing is shown yet."""
        self.console = Console(stderr=True, highlight=False)
        self._bars = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TimeElapsedColumn(),
            console=self.console,
        )
        self._sending: rich.progress.TaskID | None = None
        self._working: rich.progress.TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sending is not None:
            self._bars.stop()

    def tell(self, text: str) -> None:
        """A line of news."""
        self.console.print(text, markup=False, soft_wrap=True)

    def sending(self, invoices: int) -> None:
        """Sending begins; of so many invoices some may turn out to hold no order."""
        self._bars.start()
        self._sending = self._bars.add_task("Sending orders", total=invoices)

    def passed(self, orders: int) -> None:
        """So many more orders are with the service."""
        if self._sending is not None:
            self._bars.advance(self._sending, orders)

    def working_off(self) -> None:
        """All is sent."""
        if self._sending is not None:
            self._bars.update(self._sending, total=self._bars.tasks[0].completed)
        self._working = self._bars.add_task("Working off", total=None)

    def left(self, backlog: Backlog) -> None:
        """How much the suite has still to do."""
        if self._working is None:
            return
        most = max(self._bars.tasks[-1].total or 0, backlog.size)
        self._bars.update(self._working, total=most, completed=most - backlog.size)
