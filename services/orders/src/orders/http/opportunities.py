"""Opportunities as they are shown."""

from uuid import UUID

from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.route import Reads, router
from orders import store
from orders.domain.opportunity import Reason
from orders.http.places import before
from orders.store.opportunities import Stored, count_opportunities
from schemas.orders import Opportunity
from schemas.values import Instant

routes = router("opportunities")


class OpportunityView(Opportunity):
    """An opportunity, when it was opened and why."""

    opened_at: Instant
    cause: Reason


@routes.get("/opportunities")
async def get_opportunities(
    unit: Reads,
    *,
    client_id: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    count: Count = False,
) -> Page[OpportunityView]:
    """List opportunities, newest first."""
    rows = await store.list_opportunities(unit.connection, client_id, limit, before(cursor))
    page = page_of(rows, limit, lambda row: (row.opened_at.isoformat(), row.opportunity.id), _view)
    return page.model_copy(update={"count": await count_opportunities(unit.connection, client_id) if count else None})


def _view(stored: Stored) -> OpportunityView:
    told = dict(stored.opportunity)
    return OpportunityView.model_validate({**told, "opened_at": stored.opened_at, "cause": stored.reason})
