"""Runs over HTTP: what rules did, the newest first."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from automation import store
from automation.http.models import RunView
from automation.http.rules import number_after
from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.route import Reads, router

routes = router("runs")
NEWEST = 2**63 - 1


@routes.get("/runs")
async def list_runs(
    unit: Reads,
    client_id: UUID | None = None,
    rule_id: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    *,
    count: Count = False,
) -> Page[RunView]:
    """List what rules did, for one client or by one rule if asked."""
    rows = await store.list_runs(unit, number_after(cursor, NEWEST), limit + 1, client_id=client_id, rule_id=rule_id)
    page = page_of(rows, limit, lambda row: [row["number"]], _view)
    if count:
        page.count = await store.count_runs(unit, client_id=client_id, rule_id=rule_id)
    return page


def _view(row: Mapping[str, Any]) -> RunView:
    return RunView.model_validate({**row, "steps": orjson.loads(row["steps"])})
