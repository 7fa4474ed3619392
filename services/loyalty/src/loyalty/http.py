"""The API of loyalty: the programme, the accounts, their ledgers."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from chassis.web.paging import Count, Cursor, Limit, Page, number, page_of, read_cursor
from chassis.web.preconditions import Expected
from chassis.web.route import Manages, Reads, router
from loyalty import commands, store
from loyalty.domain import Terms
from schemas.loyalty import Programme, Tier
from schemas.values import Currency, Instant

T = TypeVar("T")
routes = router("loyalty")

Rate = Annotated[Decimal, Field(ge=Decimal("0.01"), max_digits=20, decimal_places=6, allow_inf_nan=False)]
Points = Annotated[int, Field(strict=True, gt=0, le=10**15)]


class TierPoints(BaseModel):
    """The points where tiers begin."""

    model_config = ConfigDict(extra="forbid")
    silver: Points
    gold: Points


class ProgrammeWanted(BaseModel):
    """What the programme is to be; without ``valid_from`` from now on."""

    model_config = ConfigDict(extra="forbid")
    rates: dict[Currency, Rate]
    tiers: TierPoints
    valid_from: Instant | None = None


class AccountView(BaseModel):
    """A client's account. A client on whom nothing was booked has none: no points, bronze, version 0."""

    client_id: UUID
    points: int = 0
    pending: int = Field(0, description="Points that wait for something; none do yet")
    tier: Tier = "bronze"
    version: int = 0


class EntryCause(BaseModel):
    """The event behind an entry, and its place ``source/lane/sequence``."""

    event_id: UUID
    place: str


class EntryView(BaseModel):
    """One line of a ledger."""

    id: UUID
    order_id: UUID | None
    kind: Literal["order", "award"]
    points: int
    balance: int
    at: datetime
    programme_version: int | None
    cause: EntryCause


@routes.get("/programme")
async def get_programme(unit: Reads) -> Programme:
    """Return the version of the programme that is in force."""
    return (await store.read_programmes(unit)).in_force


@routes.get("/programme/versions")
async def list_programme_versions(
    unit: Reads, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[Programme]:
    """Return all versions, the first one first, those that have not begun included."""
    rows = await store.list_programmes(unit, _first(cursor, number) or 0, limit + 1)
    page = page_of(rows, limit, lambda programme: [programme.version], lambda programme: programme)
    page.count = await store.count_programmes(unit) if count else None
    return page


@routes.put("/programme")
async def put_programme(unit: Manages, wanted: ProgrammeWanted, expected: Expected) -> Programme:
    """Give the programme a new version, unless it is that already."""
    tiers = wanted.tiers
    terms = Terms(wanted.rates, {"silver": tiers.silver, "gold": tiers.gold}, wanted.valid_from, expected)
    return await commands.change_programme(unit, terms)


@routes.get("/accounts")
async def list_accounts(
    unit: Reads, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[AccountView]:
    """Return the accounts on which something was booked, by client id."""
    rows = await store.list_accounts(unit, _first(cursor, UUID), limit + 1)
    page = page_of(rows, limit, lambda row: [row["client_id"]], lambda row: AccountView(**row))
    page.count = await store.count_accounts(unit) if count else None
    return page


@routes.get("/accounts/{client_id}")
async def get_account(unit: Reads, client_id: UUID) -> AccountView:
    """Return the account of a client."""
    row = await store.find_account(unit, client_id)
    return AccountView(**row) if row else AccountView(client_id=client_id)


@routes.get("/accounts/{client_id}/entries")
async def list_entries(
    unit: Reads, client_id: UUID, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[EntryView]:
    """Return the ledger of a client's account, the last booked first."""
    rows = await store.list_entries(unit, client_id, _first(cursor, number), limit + 1)
    page = page_of(rows, limit, lambda row: [row["number"]], _entry)
    page.count = await store.count_entries(unit, client_id) if count else None
    return page


def _entry(row: dict[str, object]) -> EntryView:
    return EntryView.model_validate({**row, "cause": {"event_id": row["cause"], "place": row["cause_place"]}})


def _first(cursor: str | None, read: Callable[[Any], T]) -> T | None:
    return read_cursor(cursor, read)[0] if cursor else None
