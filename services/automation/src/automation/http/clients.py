"""What is known of a client, and why a rule would act for it or not."""

from uuid import UUID

from automation import store
from automation.domain.facts import ClientFacts
from automation.domain.rule import RuleVersion
from automation.http.models import ConditionView, FactsView, WhyView
from chassis.errors import NotFound
from chassis.rules import Finding
from chassis.web.route import Reads, router

routes = router("clients")
DEPENDS = "depends-on-event"


@routes.get("/facts/{client_id}")
async def get_facts(unit: Reads, client_id: UUID) -> FactsView:
    """Return what automation knows of a client."""
    return FactsView.of(await _facts(unit, client_id))


@routes.get("/rules/{rule_id}/why")
async def why(unit: Reads, rule_id: UUID, client_id: UUID) -> WhyView:
    """Say which conditions of a rule hold for a client by what is known now; conditions on the event stay open."""
    return _why(await store.get_rule(unit, rule_id), await _facts(unit, client_id))


async def _facts(unit: Reads, client_id: UUID) -> ClientFacts:
    found = await store.find_facts(unit, client_id)
    if found is None:
        message = "nothing is known of this client"
        raise NotFound(message)
    return found


def _why(rule: RuleVersion, client: ClientFacts) -> WhyView:
    verdict = rule.predicate.explain(client.scene())
    is_open = {
        finding.place for finding, field in zip(verdict.findings, rule.predicate.fields, strict=True)
        if field.root == "event"
    }  # fmt: skip
    return WhyView(
        rule_id=rule.rule_id,
        rule_version=rule.version,
        client_id=client.client_id,
        active=rule.active,
        matched=None if is_open else verdict.matched,
        failed=[place for place in verdict.failed if place not in is_open],
        conditions=[_condition(finding, depends=finding.place in is_open) for finding in verdict.findings],
    )


def _condition(finding: Finding, *, depends: bool) -> ConditionView:
    return ConditionView(
        place=finding.place,
        field=finding.field,
        operator=finding.operator,
        value=finding.value,
        found=finding.found,
        holds=None if depends else finding.holds,
        reason=DEPENDS if depends else finding.reason,
    )
