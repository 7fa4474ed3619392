"""The fold: load all states a batch touches, decide in order, save what was seen, publish what was said."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from copy import deepcopy
from typing import Any
from uuid import UUID

from chassis.errors import BusinessError, Later, Rejected, place_of
from chassis.events.unit import Effect, Unit
from chassis.points import reach
from chassis.service import Handler, Message, Service, States

Loaded = dict[States, dict[Any, Any]]
Work = tuple[Message, Handler]


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
        return f"{type(self.error).__name__} in {self.handler.name} at {place_of(self.error)}"


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
    batch = Batch(unit, await _load(service, unit, work), careful=careful)
    for message, handler in work:
        if handler.once:
            request = (handler.name, message.payload.subject_id)
            if request in seen:
                continue
            seen.add(request)
        if held(handler.name, message.key) or batch.parks(handler, message):
            batch.failed.append(Failed(handler, message, Later("an earlier event of its key waits")))
        else:
            batch.decide(handler, message)
    await _forget_requests(unit, batch.failed)
    await batch.save()
    return batch.failed


class Batch:
    """The states that a batch has loaded, those its decisions have seen, and the decisions that failed."""

    def __init__(self, unit: Unit, loaded: Loaded, *, careful: bool) -> None:
        self.unit, self.loaded, self.careful = unit, loaded, careful
        self.touched: dict[States, dict[Hashable, None]] = {states: {} for states in loaded}
        self.failed: list[Failed] = []

    def parks(self, handler: Handler, message: Message) -> bool:
        """Tell whether an earlier message of the key was parked for the handler in this very batch."""
        key = message.key
        return key is not None and any(f.later and f.handler is handler and f.message.key == key for f in self.failed)

    def decide(self, handler: Handler, message: Message) -> None:
        """Run one decision. Raises Undecided if it fails, unless careful: then its states are as before."""
        keys = [states.key(message.payload) for states in handler.states]
        if any(key is None for key in keys):
            return
        mine = [self.loaded[states][key] for states, key in zip(handler.states, keys, strict=True)]
        if self.careful:
            mine = deepcopy(mine)
        try:
            more = {"cause": message.cause} if handler.wants_cause else {}
            effects = list(handler.decide(*mine, message.payload, **more) or ())
            self.unit.publish(*effects, cause=message.cause, handler=handler.name)
        except Exception as error:
            if not self.careful:
                raise Undecided from error
            self.failed.append(Failed(handler, message, error))
            return
        for states, key, state in zip(handler.states, keys, mine, strict=True):
            self.loaded[states][key] = state
            self.touched[states][key] = None

    async def save(self) -> None:
        """Write every state that a decision has seen, kind by kind."""
        for states, keys in self.touched.items():
            if keys:
                await states.save(self.unit, [self.loaded[states][key] for key in keys])
        reach("states.saved")


async def perform(
    unit: Unit,
    decide: Callable[..., Iterable[Effect] | None],
    command: Any,  # noqa: ANN401 - a service's own commands
    *states: States,
) -> Any:  # noqa: ANN401 - a service's own states
    """Run one command through the same states and decisions as events; return the first state afterwards.

    A BusinessError of the decision undoes the unit.
    """
    loaded = [(await kind.load(unit, [command]))[kind.key(command)] for kind in states]
    unit.publish(*(decide(*loaded, command) or ()))
    for kind, state in zip(states, loaded, strict=True):
        await kind.save(unit, [state])
    return loaded[0]


def _handlers(service: Service, message: Message) -> Sequence[Handler]:
    return message.handlers if message.handlers is not None else service.handlers_of(message.payload)


async def _requests_seen(unit: Unit, work: Sequence[Work]) -> set[tuple[str, UUID]]:
    """Note the requests of the batch as decided, in the order of their ids; return those that were decided before."""
    asked = sorted({(handler.name, message.payload.subject_id) for message, handler in work if handler.once})
    if not asked:
        return set()
    new = await unit.connection.fetch(
        "insert into chassis.requests (handler, id) select * from unnest($1::text[], $2::uuid[])"
        " on conflict do nothing returning handler, id",
        [handler for handler, _ in asked],
        [request for _, request in asked],
    )
    return set(asked) - {(row["handler"], row["id"]) for row in new}


async def _forget_requests(unit: Unit, failed: Sequence[Failed]) -> None:
    """A request that was not decided may come again."""
    undecided = [(f.handler.name, f.message.payload.subject_id) for f in failed if f.handler.once]
    if undecided:
        await unit.connection.execute(
            "delete from chassis.requests r using unnest($1::text[], $2::uuid[]) u(handler, id)"
            " where r.handler = u.handler and r.id = u.id",
            [handler for handler, _ in undecided],
            [request for _, request in undecided],
        )


async def _load(service: Service, unit: Unit, work: Sequence[Work]) -> Loaded:
    loaded: Loaded = {}
    for states in service.states:
        wanted = [m.payload for m, handler in work if states in handler.states and states.key(m.payload) is not None]
        if wanted:
            loaded[states] = dict(await states.load(unit, wanted))
    reach("states.loaded")
    return loaded
