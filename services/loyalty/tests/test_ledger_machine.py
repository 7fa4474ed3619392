"""A machine that does anything to two accounts, step by step, beside a plain book of what orders deserve.

A failure prints the few steps that lead to it.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from chassis.events.unit import command_cause
from loyalty.domain import Account
from loyalty.domain.programme import tier_of
from loyalty.handlers import settle_order
from schemas.loyalty import PointsEarned, PointsTakenBack, TierReached
from schemas.orders import Order, OrderEvent, OrderLeft
from schemas.values import Money
from services.loyalty.tests.factories import (
    ALICE,
    BOB,
    PAID,
    WHY,
    a_programme,
    an_account,
    an_award,
    an_order,
    changed,
    moved,
)  # fmt: skip
from shared.chassis.tests.steps import CountedMachine, take_steps

CAUSE = command_cause("test")
NUMBERS = st.sampled_from(["A-1", "A-2", "A-3"])
CLIENTS = st.sampled_from([ALICE, BOB])
CENTS = st.integers(-50_000, 10_000_000)
SECOND = PAID + timedelta(days=1)


class Ledgers(CountedMachine):
    """What orders say travels by lanes, one for each client: late, twice, never out of order within a lane."""

    def __init__(self) -> None:
        super().__init__()
        second = a_programme(2, SECOND, CZK="7")
        self.accounts = {client: an_account(second, client=client) for client in (ALICE, BOB)}
        self.orders: dict[str, Order] = {}
        self.lanes: dict[UUID, list[OrderEvent]] = {ALICE: [], BOB: []}
        self.heard: list[OrderEvent] = []
        self.awards: dict[UUID, dict[str, int]] = {ALICE: {}, BOB: {}}

    def say(self, number: str, **news: Any) -> None:
        order = self.orders.get(number) or an_order(number=number, paid_at=None)
        self.orders[number] = order.model_copy(update={**news, "version": order.version + 1})
        self.lanes[order.key].append(changed(self.orders[number]))
        self.did_something()

    @rule(number=NUMBERS, late=st.booleans())
    def pay(self, number: str, *, late: bool) -> None:
        if not (number in self.orders and self.orders[number].paid):
            self.say(number, paid_at=SECOND + timedelta(hours=1) if late else PAID)

    @rule(number=NUMBERS, cents=CENTS)
    def edit(self, number: str, cents: int) -> None:
        self.say(number, total=Money(amount=Decimal(cents) / 100, currency="CZK"))

    @rule(number=NUMBERS, cents=CENTS)
    def refund(self, number: str, cents: int) -> None:
        self.say(number, refunded=Money(amount=Decimal(abs(cents)) / 100, currency="CZK"))

    @rule(number=NUMBERS, to=CLIENTS, old=st.booleans())
    def relink(self, number: str, to: UUID, *, old: bool) -> None:
        order = self.orders.get(number)
        if order and order.client_id != to:
            farewell, greeting = moved(order, to, old_state=old)
            self.lanes[order.key].append(farewell)
            self.lanes[to].append(greeting)
            self.orders[number] = greeting.order
            self.did_something()

    @rule(client=CLIENTS, most=st.integers(1, 4))
    def hear(self, client: UUID, most: int) -> None:
        if self.lanes[client]:
            self.did_something()
        for _ in range(min(most, len(self.lanes[client]))):
            self.heard.append(self.lanes[client].pop(0))
            self.tell(self.heard[-1])

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def hear_again(self, data: st.DataObject) -> None:
        before = {client: (account.points, account.version) for client, account in self.accounts.items()}
        self.tell(data.draw(st.sampled_from(self.heard)))
        assert before == {client: (account.points, account.version) for client, account in self.accounts.items()}
        self.did_something()

    @rule(client=CLIENTS, points=st.integers(1, 5_000))
    def award(self, client: UUID, points: int) -> None:
        name = str(len(self.awards[client]))
        self.awards[client][name] = points
        list(self.accounts[client].award(an_award(points, name, client), WHY))
        self.did_something()

    def tell(self, event: OrderEvent) -> None:
        account = self.accounts[event.partition_key]
        points, version, tier = account.points, account.version, account.tier
        for told in settle_order(account, event, cause=CAUSE):
            assert isinstance(told, PointsEarned | PointsTakenBack | TierReached)
            assert told.account.version == (version := version + 1)
            if not isinstance(told, TierReached):
                points += told.points if isinstance(told, PointsEarned) else -told.points
            else:
                assert told.previous == tier != told.account.tier
        assert (account.points, account.version) == (points, version)

    @invariant()
    def the_ledger_adds_up(self) -> None:
        for account in self.accounts.values():
            assert [entry.balance for entry in account.entries] == running(account)
            assert account.tier == tier_of(account.points, account.programmes.in_force.tiers)

    def teardown(self) -> None:
        """Hear all that is on its way: then every account bears what the last states deserve."""
        for client, lane in self.lanes.items():
            self.hear(client, len(lane))
        for client, account in self.accounts.items():
            assert account.points == sum(self.awards[client].values()) + sum(map(deserved, self.of(client)))

    def of(self, client: UUID) -> list[Order]:
        return [order for order in self.orders.values() if order.client_id == client and order.paid]


def running(account: Account) -> list[int]:
    """Return the balances after each line, from the lines alone."""
    balances, balance = [], 0
    for entry in account.entries:
        balance += entry.points
        balances.append(balance)
    assert balance == account.points
    return balances


def deserved(order: Order) -> int:
    """Return an order's points by the contract, in whole haléře."""
    cents = int((order.total.amount - order.refunded.amount) * 100)
    return cents // (700 if order.paid_at and order.paid_at >= SECOND else 1_000)


def test_the_ledger_machine(steps: int) -> None:
    take_steps(Ledgers, steps)


def test_the_book_knows_a_farewell() -> None:
    """The machine's own events are what the orders service says: a farewell names whom the order leaves."""
    farewell, _ = moved(an_order(), BOB)
    assert isinstance(farewell, OrderLeft)
    assert farewell.partition_key == ALICE
