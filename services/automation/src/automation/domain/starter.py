"""The rules that are there from the start, under ids that are the same everywhere."""

from uuid import UUID

from automation.domain.rule import Terms
from chassis.rules import ALWAYS, Condition, Tree
from schemas.ids import derive
from schemas.orders import OrderPaid
from schemas.service_desk import MaintenanceDue

FIRST_PAID_ORDER = derive("rule", "first-paid-order")
LARGE_ORDER = derive("rule", "large-order")
PREVENTIVE_SERVICE = derive("rule", "preventive-service")

STARTERS: dict[UUID, Terms] = {
    FIRST_PAID_ORDER: Terms(
        "Stálý odběratel po první zaplacené objednávce",
        OrderPaid.event_type,
        Tree(rules=(Condition(field="facts.paid_orders", operator="=", value=1),)),
        ({"action": "change_status", "status": "Stálý odběratel"},),
    ),
    LARGE_ORDER: Terms(
        "Hvězda za velkou objednávku",
        OrderPaid.event_type,
        Tree(rules=(Condition(field="order.total", operator=">", value={"amount": "50000", "currency": "CZK"}),)),
        ({"action": "set_star", "starred": True},),
    ),
    PREVENTIVE_SERVICE: Terms(
        "Preventivní servis",
        MaintenanceDue.event_type,
        ALWAYS,
        (
            {"action": "create_task", "title": "Proaktivně nabídnout preventivní servis klientovi {client}"},
            {"action": "open_opportunity", "stage": "Kvalifikace", "name": "Preventivní servis", "sku": "from-event"},
            {"action": "enrol_in_campaign", "campaign": "Preventivní servis"},
        ),
    ),
}
