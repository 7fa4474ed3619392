"""For every check of the suite one row that is spoilt by hand, as SQL: what ``verify`` must see."""

import importlib
from collections.abc import Mapping
from typing import NamedTuple

from chassis import checks as machinery
from chassis.service import Service
from klientela.proof.checking import full_name
from klientela.proof.copies import check_name, copies_of
from klientela.proof.snapshot import QUIET
from klientela.proof.verify import all_services

NEWEST = "(select lane, sequence from chassis.events order by sequence desc, lane limit 1)"
FIRST = "(select lane, sequence from chassis.events order by lane, sequence limit 1)"

MACHINERY: Mapping[str, str] = {
    "log-gapless": f"delete from chassis.events where (lane, sequence) = {NEWEST}",
    "cursor-not-beyond-head": "update chassis.cursors set sequence = sequence + 1 where lane = 0",
    "event-order": f"update chassis.events set incarnation = incarnation - 1 where (lane, sequence) = {NEWEST}",
    "derived-events-once": (
        "update chassis.events set (id, cause_place) = (select id, cause_place from chassis.events"
        f" where (lane, sequence) = {FIRST}) where (lane, sequence) = {NEWEST}"
    ),
    "versions-rise": (
        "update chassis.events e set version = 1 where (lane, sequence) = (select n.lane, n.sequence"
        " from chassis.events n join chassis.events b using (lane, subject) where b.version = 1 and n.version > 1"
        " and b.sequence < n.sequence order by 1, 2 limit 1)"
    ),
    "requests-decided-once": (
        "update chassis.events set type = 'clients.task_created.v1', cause_place = 'automation/1/1',"
        " body = convert_to('{\"request_id\": \"' || gen_random_uuid() || '\"}', 'utf8')"
        f" where (lane, sequence) = {NEWEST}"
    ),
    "nothing-parked": (
        "insert into chassis.parked (subscription, handler, key, record, reason)"
        " values ('main', 'a_handler', gen_random_uuid(), '', 'later')"
    ),
    "log-readable": f"update chassis.events set body = '{{}}' where (lane, sequence) = {NEWEST}",
    "progress-not-beyond-head": "update chassis.progress set sequence = sequence + 1000 where lane = 0",
}

COPIES: Mapping[str, str] = {
    "clients": "update order_copies set revenue = revenue + 1 where present and revenue > 0",
    "service-desk": "update order_copies set client_id = gen_random_uuid() where client_id is not null",
    "loyalty": "update order_copies set present = false where present",
    "automation": "update order_copies set version = version + 1 where present",
}

OWN: Mapping[str, str] = {
    "loyalty.balance-is-sum-of-entries": "update accounts set points = points + 1 where points > 0",
    "clients.an-order-is-counted-for-one-client": "update order_copies set present = true",
    "clients.linked-identities-have-a-stored-client": (
        "alter table identities drop constraint identities_client_id_fkey;"
        " update identities set client_id = gen_random_uuid() where client_id is not null"
    ),
    "clients.an-IČO-has-one-client": "drop index clients_ico; update clients set ico = '25596641'",
    "orders.order-version-is-that-of-its-last-event": "update orders set version = version + 1",
    "orders.order-key-is-the-lane-key-of-its-last-event": "update orders set client_id = gen_random_uuid()",
    "orders.order-is-as-its-last-event-says": "update orders set total = total + 0.01",
    "orders.order-is-as-its-channel-told": "update orders set told_state = 'cancelled' where state <> 'cancelled'",
    "orders.order-follows-its-identity-unless-an-operator-said-otherwise": (
        "update identity_links set client_id = gen_random_uuid()"
    ),
    "orders.paid-is-announced-once": "update orders set paid_announced = false",
    "orders.nothing-is-refunded-below-zero": "update orders set refunded = -1",
    "orders.identity-is-linked-to-a-known-client": "delete from cards",
    "orders.product-version-is-that-of-its-last-event": "update products set version = version + 1",
    "orders.opportunity-was-opened-once": "update opportunities set id = gen_random_uuid()",
    "service-desk.device-is-where-its-order-is": "update devices set client_id = gen_random_uuid()",
    "service-desk.order-has-its-devices": "update order_copies set units = units + 1",
    "service-desk.undeclared-is-closed": "update devices set declared = declared - 1 where declared > 1",
    "service-desk.warranty-follows-terms": "update devices set warranty_until = warranty_until + interval '1 day'",
    "service-desk.last-service-is-the-latest": "update devices set last_service_at = last_service_at + interval '1 s'",
    "service-desk.notice-is-planned-with-the-present-lead": "update devices set notice_lead = notice_lead + 1",
    "service-desk.notice-has-its-timer": "delete from chassis.timers",
    "service-desk.device-version-was-published": "update devices set version = version + 1",
    "service-desk.service-order-was-published": "update service_orders set version = version + 1",
}


class Corruption(NamedTuple):
    """What is done to which service's database."""

    service: str
    sql: str


def all_corruptions() -> dict[str, Corruption]:
    """The corruption of each check by the check's full name; a check that has none stays out."""
    found = {QUIET: Corruption("orders", "insert into chassis.intake (kind, body) values ('order', '')")}
    for service in all_services():
        found |= {full_name(service, name): Corruption(service.name, sql) for name, sql in MACHINERY.items()}
        own = {full_name(service, name): sql for name, sql in _of_the_service(service).items()} | dict(OWN)
        found |= {name: Corruption(service.name, sql) for name, sql in own.items() if name in own_names(service)}
        found |= {
            check_name("orders", name): Corruption(name, sql) for name, sql in COPIES.items() if name == service.name
        }
    return found


def own_names(service: Service) -> set[str]:
    """The full names of the checks that a service brings itself."""
    return {full_name(service, check.name) for check in service.checks}


def all_names() -> set[str]:
    """The full names of all checks that can fail, told without running them."""
    names = {QUIET}
    everywhere = [check.name for check in machinery.CHECKS] + ["log-readable", "progress-not-beyond-head"]
    for service in all_services():
        names |= own_names(service) | {full_name(service, name) for name in everywhere}
        names |= {check_name(owner, service.name) for owner in copies_of(service) if owner != service.name}
    return names


def _of_the_service(service: Service) -> Mapping[str, str]:
    """What a service's own tests do to its rows."""
    try:
        module = importlib.import_module(f"services.{service.name}.tests.test_checks")
    except ModuleNotFoundError:
        return {}
    corruptions: Mapping[str, str] = getattr(module, "CORRUPTIONS", {})
    return corruptions
