"""A service as its handlers declare it: what it listens to, with which states, and what follows."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeVar
from uuid import UUID

from chassis.effects import Restate, TimerFired, Turn
from chassis.events.record import Cause
from chassis.events.unit import Effect, Unit
from chassis.revocation import forget_key, revoked_keys
from schemas.clients import KeyRevoked
from schemas.event import Event

Decision = Callable[..., Iterable[Effect] | None]
D = TypeVar("D", bound=Decision)
MAIN: Final = "main"
"""The subscription of all handlers that do not have one of their own."""
Starts = Literal["beginning", "now"]
"""What a handler of a later release hears: everything there ever was, or what comes after its first start."""


class States(Protocol):
    """How the states of one kind are found for a batch of messages and saved after it.

    ``load`` first inserts missing rows (sorted, on conflict do nothing), then locks them sorted; a statement per table.
    """

    def key(self, message: Any) -> Hashable | None:  # noqa: ANN401 - a store names its own messages: any event, timer, …
        """Return which state a message (event, timer, intake, command) concerns; None passes its handler over."""

    async def load(self, unit: Unit, messages: Sequence[Any]) -> Mapping[Any, Any]:
        """Return the states of all messages by key, locked until commit."""

    async def save(self, unit: Unit, states: Sequence[Any]) -> None:
        """Write the states that decisions have seen, one statement per table; unchanged ones may be left out."""


class Intake(NamedTuple):
    """A raw message from outside, as it was stored: ``origin`` is the channel it came by."""

    id: int
    kind: str
    origin: UUID | None
    body: bytes
    cause: UUID | None = None


@dataclass(frozen=True)
class Handler:
    """One decision, the message types it hears, and the states it decides about. Its name is its identity for ever."""

    name: str
    decide: Decision
    states: tuple[States, ...]
    wants_cause: bool = False
    once: bool = False
    starts: Starts | None = None

    @property
    def subscription(self) -> str:
        """Whose progress counts for it: its own if it was added later."""
        return self.name if self.starts else MAIN


@dataclass(frozen=True)
class Check:
    """One invariant that ``verify`` proves: ``failures`` is SQL that returns a row per violation, ``examined`` counts.

    ``failures`` must have a column ``what`` that names the row at fault without personal data.
    """

    name: str
    examined: str
    failures: str


Prompt = TimerFired | Turn | Restate
"""What handlers are called with for another reason than an event."""
Parser = Callable[[Intake], Any]
Accept = Callable[[Unit, Sequence[bytes]], Awaitable[None]]
"""Takes raw messages of a topic from outside into the intake, within the unit."""
NextKeys = Callable[[Unit, int, UUID, int], Awaitable[list[UUID]]]
"""Returns the keys of a lane that a job has yet to go to: those after a key, in their order, so many at most."""


@dataclass
class Service:
    """What one service is made of; ``states`` gives the fixed order in which batches lock tables."""

    name: str
    states: Sequence[States] = ()
    publishes: Sequence[type[Event]] = ()
    checks: Sequence[Check] = ()
    routers: list[Any] = field(default_factory=list)
    handlers: dict[type | str, list[Handler]] = field(default_factory=dict)
    parsers: dict[str, Parser] = field(default_factory=dict)
    pages: dict[str, NextKeys] = field(default_factory=dict)
    restates: dict[str, str] = field(default_factory=dict)
    starts: list[Callable[[Unit], Any]] = field(default_factory=list)
    outside: dict[str, "Accept"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Every service forgets revoked keys; the one that revokes them has done so already."""
        if self.name != KeyRevoked.owner():
            self.states = (*self.states, revoked_keys)
            self.on(KeyRevoked, state=revoked_keys)(forget_key)

    @property
    def package(self) -> str:
        """The Python package of the service."""
        return self.name.replace("-", "_")

    def on(
        self,
        *events: type[Event],
        state: States | tuple[States, ...],
        cause: bool = False,
        once: bool = False,
        starts: Starts | None = None,
    ) -> Callable[[D], D]:
        """Register a decision for events: called with its states and the event (and ``cause=`` if it asks).

        ``once`` is for requests: an event whose subject (the request id) was decided before is passed over. ``starts``
        is for handlers of later releases, whose service has been running without them; it is read at their first start.
        """
        return self._register(events, state, cause=cause, once=once, starts=starts)

    def timer(self, kind: str, *, state: States | tuple[States, ...], cause: bool = False) -> Callable[[D], D]:
        """Register the decision for a kind of timer: called with its states and ``TimerFired``."""
        return self._register((f"timer:{kind}",), state, cause=cause)

    def job(
        self, kind: str, *, state: States | tuple[States, ...], page: NextKeys, cause: bool = False
    ) -> Callable[[D], D]:
        """Register the decision for a kind of job: called with its states and a ``Turn`` for each key of ``page``.

        A page is read unlocked. So that it may leave out who needs no turn, what starts the job claims a name
        (``chassis.locks``) which what makes a state shares: who is not seen by the page has seen why there is the job.
        """
        self.pages[kind] = page
        return self._register((f"job:{kind}",), state, cause=cause)

    def restate(self, kind: str, *events: type[Event], state: States | tuple[States, ...]) -> Callable[[D], D]:
        """Register who tells anew of a kind of subject that others keep copies of: the subject of ``events``.

        Called with its states and ``Restate`` after this database was set back; what it yields is no news to rules.
        """
        self.restates |= {event.event_type: kind for event in events}
        return self._register((f"restate:{kind}",), state, cause=False)

    def intake(
        self, kind: str, *, parse: Parser, state: States | tuple[States, ...], cause: bool = False
    ) -> Callable[[D], D]:
        """Register how raw messages of a kind are read and decided; ``parse`` is pure, bad data raises Rejected."""
        self.parsers[kind] = parse
        return self._register((f"intake:{kind}",), state, cause=cause)

    def on_start(self, seed: Callable[[Unit], Any]) -> Callable[[Unit], Any]:
        """Register what puts in what a new database must have; it runs at every start, in one unit."""
        self.starts.append(seed)
        return seed

    def listen_outside(self, topic: str, accept: Accept) -> None:
        """Take the messages of a topic that knows nothing of lanes into the intake."""
        self.outside[topic] = accept

    def handlers_of(self, message: object) -> Sequence[Handler]:
        """Return who hears a parsed message."""
        return self.handlers.get(message.type if isinstance(message, Prompt) else type(message), ())

    def listens(self) -> dict[str, list[str]]:
        """Return the handlers' names by the wire names of the events they hear."""
        return {
            kind.event_type: [handler.name for handler in handlers]
            for kind, handlers in self.handlers.items()
            if isinstance(kind, type) and issubclass(kind, Event)
        }

    def timer_kinds(self) -> list[str]:
        """Return the kinds of timers that this release fires."""
        heard = [kind for kind in self.handlers if isinstance(kind, str)]
        return [kind.removeprefix("timer:") for kind in heard if kind.startswith("timer:")]

    def subscriptions(self) -> dict[str, Starts | None]:
        """Return the subscriptions of the handlers of events, and where each starts."""
        handlers = [handler for kind in self.event_types().values() for handler in self.handlers[kind]]
        return {handler.subscription: handler.starts for handler in handlers}

    def part(self, subscription: str) -> "Service":
        """Return the service as one of its subscriptions sees it: with its handlers of events alone."""
        mine = copy(self)
        mine.handlers = {
            kind: heard
            for kind, handlers in self.handlers.items()
            if (heard := [handler for handler in handlers if handler.subscription == subscription])
        }
        return mine

    def sources(self) -> list[str]:
        """Return the services whose lanes this one follows."""
        return sorted({event_type.split(".", 1)[0] for event_type in self.listens()})

    def event_types(self) -> dict[str, type[Event]]:
        """Return the classes of the events heard, by wire name: what is not here is never parsed."""
        return {kind.event_type: kind for kind in self.handlers if isinstance(kind, type) and issubclass(kind, Event)}

    def _register(
        self,
        kinds: Sequence[type | str],
        state: States | tuple[States, ...],
        *,
        cause: bool,
        once: bool = False,
        starts: Starts | None = None,
    ) -> Callable[[D], D]:
        states = state if isinstance(state, tuple) else (state,)

        def register(decide: D) -> D:
            handler = Handler(decide.__name__, decide, states, cause, once, starts)
            if any(
                other.name == handler.name and other.decide is not decide for other in chain(*self.handlers.values())
            ):
                message = f"two handlers of {self.name} are called {handler.name}: a name is an identity for ever"
                raise ValueError(message)
            for kind in kinds:
                self.handlers.setdefault(kind, []).append(handler)
            return decide

        return register


class Message(NamedTuple):
    """A parsed message, what it causes things as, and what it came as (a record, raw message, firing or turn)."""

    payload: Any
    cause: Cause
    type: str
    origin: Any = None
    key: UUID | None = None
    handlers: tuple[Handler, ...] | None = None
