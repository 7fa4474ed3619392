"""Every door of the suite, written down by hand: who opens it, and with what it would change something."""

from collections.abc import Mapping
from typing import Any

ROLES = ("viewer", "operator", "manager", "admin")
"""Of people: each opens what those before it open. A service opens what viewers open, and its own doors."""

ANYBODY, SIGNED = "anybody", "signed"
"""Doors without a key: those that tell nothing of anybody, and those of shops, which sign what they send."""

EVERYWHERE: Mapping[str, str] = {
    ANYBODY: "openapi asyncapi_document live ready metrics",
    "viewer": "page_of_events heads_of_lanes one_event events_of_subject status dead_letters",
    "manager": "dead_letter retry drop",
    "service": "restate",
}

OWN: Mapping[str, Mapping[str, str]] = {
    "clients": {
        "viewer": "list_clients get_client list_identities get_identity list_tasks get_b2b list_statuses",
        "operator": (
            "store_client change_card set_status set_star unlink_identity link_identity add_task complete_task"
            " set_b2b add_status edit_status"
        ),
        "admin": "make_key list_keys revoke_key",
    },
    "orders": {
        "viewer": "get_channels get_told get_orders get_order get_products get_product get_opportunities",
        "operator": "create_channel patch_channel take_orders delete_client put_client change_product",
        SIGNED: "receive_webhook",
    },
    "service-desk": {
        "viewer": "list_devices get_device list_service_orders get_service_order get_lead",
        "operator": "register_device open_service_order complete_service_order",
        "manager": "put_lead",
    },
    "loyalty": {
        "viewer": "get_programme list_programme_versions list_accounts get_account list_entries",
        "manager": "put_programme",
    },
    "automation": {
        "viewer": "list_rules get_rule list_versions list_runs get_facts why list_triggers list_actions",
        "manager": "make_rule change_rule switch_on switch_off",
    },
}

_RULE = {"name": "Hvězda", "on": "orders.order_paid.v1", "then": [{"action": "set_star", "starred": True}]}

CHANGES: Mapping[str, Any] = {
    "store_client": {"name": "Firma, kterou nikdo neznal"},
    "change_card": {"notes": "Volat po osmé"},
    "set_status": {"status": "{name}"},
    "set_star": {"starred": False},
    "unlink_identity": None,
    "link_identity": {"client_id": "{client_id}"},
    "add_task": {"client_id": "{client_id}", "title": "Zavolat", "due": "2026-12-01T08:00:00Z"},
    "complete_task": None,
    "set_b2b": {"create": False, "default_status": "{name}"},
    "add_status": {"name": "Vážený partner"},
    "edit_status": {"group": "Jiná", "colour": "#123456", "order": 77},
    "make_key": {"name": "Petr", "role": "viewer"},
    "revoke_key": None,
    "create_channel": {"kind": "kafka", "name": "Sklad"},
    "patch_channel": {"name": "Jiný obchod"},
    "take_orders": {
        "orders": [{"external_id": "77", "revision": "2026-10-01T07:00:00Z", "currency": "CZK", "total": "1"}]
    },
    "delete_client": None,
    "put_client": {"client_id": "{client_id}", "overwrite_billing": True},
    "change_product": {"name": "Čerpadlo", "price": {"amount": "1", "currency": "CZK"}},
    "register_device": {"client_id": "{client_id}", "terms": {"model": "TČ 12"}, "sold_at": "2026-10-01T07:00:00Z"},
    "open_service_order": {"device_id": "{device_id}", "title": "Prohlídka"},
    "complete_service_order": {"completed_at": "2026-10-01T07:00:00Z"},
    "put_lead": {"lead_months": 3},
    "put_programme": {"rates": {"CZK": "0.5"}, "tiers": {"silver": 10, "gold": 20}},
    "make_rule": _RULE,
    "change_rule": _RULE,
    "switch_on": None,
    "switch_off": None,
    "drop": None,
    "restate": {"seen": [{"type": "{type}", "key": "{key}", "subject": "{subject}"}]},
}  # fmt: skip
"""What each door to a change is told by who may: it then changes rows, in this order."""

QUERIES: Mapping[str, tuple[str, ...]] = {"why": ("client_id",), "page_of_events": ("lane",)}
"""What doors must be asked with."""

IDS: Mapping[str, Mapping[str, str]] = {
    "clients": {
        "identity_id": "select id from identities where kind = 'ico' and client_id is not null limit 1",
        "task_id": "select id from tasks where state = 'open' limit 1",
        "name": "select 'Nový partner'",
        "key_id": "select gen_random_uuid()",
    },
    "orders": {"channel_id": "select id from channels limit 1", "sku": "select 'TC-12'"},
    "service-desk": {
        "device_id": "select id from devices limit 1",
        "service_order_id": "select id from service_orders where completed_at is null limit 1",
    },
    "loyalty": {},
    "automation": {"rule_id": "select id from rules order by number desc limit 1"},
}
"""Where what a service's paths and bodies name is found."""


OF_EACH: Mapping[str, Mapping[str, str]] = {
    "clients": {
        "identity_id": "select id from identities limit 1",
        "task_id": "select id from tasks limit 1",
        "key_id": "select id from keys limit 1",
    },
    "orders": {
        "order_id": "select id from orders limit 1",
        "channel_id": "select id from channels limit 1",
        "opportunity_id": "select id from opportunities limit 1",
        "sku": "select 'TC-12'",
    },
    "service-desk": {
        "device_id": "select id from devices limit 1",
        "service_order_id": "select id from service_orders limit 1",
    },
    "loyalty": {},
    "automation": {"rule_id": "select id from rules limit 1", "run_id": "select id from runs limit 1"},
}
"""One of each kind of thing that the suite knows, by what a path calls it: for any other kind it is a foreign one."""

TAKES_ANY: Mapping[str, str] = {
    "get_account": "every client has an account, one of whom nothing is known has no points",
    "list_entries": "of no points there are no entries",
    "revoke_key": "a key may have been made anywhere",
    "register_device": "the service desk hears of no clients",
    "change_product": "a product is known by what its seller calls it",
    "restate": "what is not here has no copies to be told of",
    "events_of_subject": "of what is not here there are no events",
}
"""Doors that refuse no id, and why."""


def doors_of(service: str) -> dict[str, str]:
    """Return who opens each door of a service, by the door's name."""
    return {name: who for doors in (EVERYWHERE, OWN[service]) for who, names in doors.items() for name in names.split()}


def opens(role: str, who: str) -> bool:
    """Tell whether a role opens a door, as the contract has it."""
    if role == "service":
        return who in {"viewer", "service"}
    return role in ROLES and who in ROLES and ROLES.index(role) >= ROLES.index(who)
