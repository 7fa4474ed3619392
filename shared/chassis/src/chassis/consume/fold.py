"""The fold: load every state a batch touches, run the decisions in order, save what they have seen, publish what they said."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from copy import deepcopy
from typing import Any
from uuid import UUID

from chassis.errors import BusinessError, Later, Rejected
from chassis.events.unit import Effect, TooManyHops, Unit
from chassis.points import reach
from chassis.service import Handler, Message, Service, States

Loaded = dict[States, dict[Any, Any]]


class Undecided(Exception):
    """A decision failed: the batch is rolled back and folded again with care."""


class Failed:
    """What one decision said instead of deciding, and about which message."""

    def __init__(self, handler: Handler, message: Message, error: Exception) -> None:
        self.handler, self.message, self.error = handler, message, error

    @property
    def later(self) -> bool:
        """True when the message is to be parked and not dead."""
        return isinstance(self.error, Later)

    @property
    def reason(self) -> str:
        """The reason without personal data: a verdict's own words, or the kind of a fault."""
        if isinstance(self.error, Rejected | Later | BusinessError):
            return str(self.error) or type(self.error).__name__
        return f"{type(self.error).__name__} in {self.handler.name}"


async def fold(
    service: Service,
    unit: Unit,
    messages: Sequence[Message],
    *,
    careful: bool,
    held: Callable[[str, UUID | None], bool],
) -> list[Failed]:
    """Run a batch through its decisions within ``unit``.

    Raises Undecided at the first decision that fails, unless ``careful``: then states are put back and the failures are
    returned. ``held(handler, key)`` tells whether an earlier message of the key waits parked for the handler.
    """
    work = [(message, handler) for message in messages for handler in _handlers(service, message)]
    if not work:
        return []
    seen = await _requests_seen(unit, work)
    loaded = await _load(service, unit, work)
    touched: dict[States, dict[Hashable, None]] = {states: {} for states in loaded}
    failed: list[Failed] = []
    for message, handler in work:
        if handler.once and message.payload.subject_id in seen:
            continue
        keys = [states.key(message.payload) for states in handler.states]
        if any(key is None for key in keys):
            continue
        if held(handler.name, message.key) or any(f.later and _behind(f, handler, message) for f in failed):
            failed.append(Failed(handler, message, Later("an earlier event of its key waits")))
            continue
        mine = [loaded[states][key] for states, key in zip(handler.states, keys, strict=True)]
        if careful:
            mine = deepcopy(mine)
        try:
            effects = _decide(handler, mine, message)
            unit.publish(*effects, cause=message.cause, handler=handler.name)
        except Exception as error:
            if not careful:
                raise Undecided from error
            failed.append(Failed(handler, message, error))
            continue
        for states, key, state in zip(handler.states, keys, mine, strict=True):
            loaded[states][key] = state
            touched[states][key] = None
    await _forget_requests(unit, failed)
    await _save(unit, loaded, touched)
    return failed


async def perform(unit: Unit, decide: Callable[..., Iterable[Effect] | None], command: Any, *states: States) -> Any:
    """Run one command through the same states and decisions as events; return the first state afterwards.

    A BusinessError of the decision undoes the unit.
    """
    loaded = []
    for kind in states:
        loaded.append((await kind.load(unit, [command]))[kind.key(command)])
    unit.publish(*(decide(*loaded, command) or ()))
    for kind, state in zip(states, loaded, strict=True):
        await kind.save(unit, [state])
    return loaded[0]


def _handlers(service: Service, message: Message) -> Sequence[Handler]:
    return message.handlers if message.handlers is not None else service.handlers_of(message.payload)


def _behind(failed: Failed, handler: Handler, message: Message) -> bool:
    return failed.handler is handler and failed.message.key == message.key


def _decide(handler: Handler, states: Sequence[Any], message: Message) -> list[Effect]:
    more = {"cause": message.cause} if handler.wants_cause else {}
    return list(handler.decide(*states, message.payload, **more) or ())


async def _requests_seen(unit: Unit, work: Sequence[tuple[Message, Handler]]) -> set[UUID]:
    """Note the requests of the batch as decided, in the order of their ids; return those that were decided before."""
    asked = sorted({message.payload.subject_id for message, handler in work if handler.once})
    if not asked:
        return set()
    new = await unit.connection.fetch(
        "insert into chassis.requests (id, outcome) select id, 'decided' from unnest($1::uuid[]) id"
        " on conflict do nothing returning id",
        asked,
    )
    return set(asked) - {row["id"] for row in new}


async def _forget_requests(unit: Unit, failed: Sequence[Failed]) -> None:
    """A request that was not decided may come again."""
    undecided = [f.message.payload.subject_id for f in failed if f.handler.once]
    if undecided:
        await unit.connection.execute("delete from chassis.requests where id = any($1::uuid[])", undecided)


async def _load(service: Service, unit: Unit, work: Sequence[tuple[Message, Handler]]) -> Loaded:
    loaded: Loaded = {}
    for states in service.states:
        wanted = [m.payload for m, handler in work if states in handler.states and states.key(m.payload) is not None]
        if wanted:
            loaded[states] = dict(await states.load(unit, wanted))
    reach("states.loaded")
    return loaded


async def _save(unit: Unit, loaded: Loaded, touched: dict[States, dict[Hashable, None]]) -> None:
    for states, keys in touched.items():
        if keys:
            await states.save(unit, [loaded[states][key] for key in keys])
    reach("states.saved")


__all__ = ["Failed", "TooManyHops", "Undecided", "fold", "perform"]
