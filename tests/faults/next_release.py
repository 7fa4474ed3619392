"""The next release, for rolling it out and back, and a worse one.

Loyalty has two handlers more, of which one hears everything and one what comes from now on; orders say a field more,
of which the release before knows nothing. Where KLIENTELA_FATAL names the total of an order, the handler that hears
it placed ends or blocks the process, or wants more memory than there is.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic.fields import FieldInfo

from chassis.__main__ import main
from chassis.events.record import Cause
from chassis.events.unit import Unit
from loyalty.handlers import service
from schemas.orders import ORDER_EVENTS, Order, OrderEvent, OrderPlaced

FATAL, HOW = (os.environ.get("KLIENTELA_FATAL", "") + ":").split(":")[:2]

Order.model_fields["is_gift"] = FieldInfo(annotation=bool, default=True)
Order.model_rebuild(force=True)
for changed in ORDER_EVENTS:
    changed.model_rebuild(force=True)


class Heard(list[tuple[UUID, str]]):
    """What the new handlers have heard, to be written."""


class Hearings:
    """One row for each event and handler: a second one would collide."""

    def key(self, message: OrderEvent) -> str:
        return "all"

    async def load(self, unit: Unit, messages: Sequence[OrderEvent]) -> Mapping[str, Heard]:
        return {"all": Heard()}

    async def save(self, unit: Unit, states: Sequence[Heard]) -> None:
        await unit.connection.copy_records_to_table(
            "heard", columns=("event", "handler"), records=[each for state in states for each in state]
        )


hearings = Hearings()
service.states = (*service.states, hearings)


@service.on_start
async def make_table(unit: Unit) -> None:
    """What a migration of the next release would do."""
    await unit.connection.execute(
        "create table if not exists heard (event uuid, handler text, primary key (event, handler))"
    )


@service.on(*ORDER_EVENTS, state=hearings, cause=True, starts="beginning")
def hear_everything(heard: Heard, event: OrderEvent, *, cause: Cause) -> None:
    """Note every event there ever was; die of a fatal one."""
    if FATAL and isinstance(event, OrderPlaced) and str(event.order.total.amount) == FATAL:
        _die()
    heard.append((cause.id, "everything"))


@service.on(*ORDER_EVENTS, state=hearings, cause=True, starts="now")
def hear_news(heard: Heard, event: OrderEvent, *, cause: Cause) -> None:
    """Note what comes from now on."""
    heard.append((cause.id, "news"))


def _die() -> None:
    if HOW == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if HOW == "hoard":
        bytes(1 << 60)  # raises MemoryError, as a limit of memory does; without one it is a kill
    while True:  # stands still
        pass


if __name__ == "__main__":
    main()
