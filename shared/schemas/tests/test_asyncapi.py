"""The AsyncAPI document is whole: what it says is there, and all its references lead somewhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas import clients, orders
from schemas.asyncapi import asyncapi
from schemas.catalogue import EVENTS, OWNERS

LISTENS = {"clients.identity_linked.v1": ["assign_orders"], "automation.opportunity_requested.v1": ["open", "count"]}
DOCUMENT = asyncapi("orders", orders.EVENTS, LISTENS, "0.1.0")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def resolved(document: Any, reference: str) -> Any:
    node = document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_it_is_asyncapi_3_with_what_that_demands() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["title"] == "orders"
    assert DOCUMENT["info"]["version"] == "0.1.0"


def test_a_channel_is_the_topic_of_an_owner() -> None:
    assert {name: channel["address"] for name, channel in DOCUMENT["channels"].items()} == {
        "orders": "orders", "clients": "clients", "automation": "automation",
    }  # fmt: skip


def test_the_service_sends_its_own_events_and_each_handler_receives_what_it_hears() -> None:
    sends = [each for each in DOCUMENT["operations"].values() if each["action"] == "send"]
    receives = [each for each in DOCUMENT["operations"].values() if each["action"] == "receive"]
    assert [len(each["messages"]) for each in sends] == [len(orders.EVENTS)]
    assert sorted(each["title"] for each in receives) == ["assign_orders", "count", "open"]


def whole(owner: str) -> dict[str, Any]:
    """Return the document of a service that publishes all it owns and hears everything."""
    own = [event for event in EVENTS.values() if event.owner() == owner]
    return asyncapi(owner, own, {name: ["note"] for name in EVENTS}, "1")


@pytest.mark.parametrize("document", [DOCUMENT, *(whole(owner) for owner in OWNERS)])
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = list(references(document))
    assert found
    for reference in found:
        assert resolved(document, reference)


def test_messages_carry_headers_and_a_payload_that_is_json_schema() -> None:
    for message in DOCUMENT["components"]["messages"].values():
        headers = resolved(DOCUMENT, message["headers"]["$ref"])
        assert {"ce_id", "ce_type", "ce_source", "ce_specversion", "ce_time"} <= set(headers["required"])
        Draft202012Validator.check_schema(resolved(DOCUMENT, message["payload"]["$ref"]))


def test_two_events_of_one_class_name_keep_their_own_schemas() -> None:
    document = asyncapi(
        "automation", (), {"clients.request_refused.v1": ["note"], "loyalty.request_refused.v1": ["note"]}, "1"
    )
    payloads = {message["payload"]["$ref"] for message in document["components"]["messages"].values()}
    assert len(payloads) == 2
    assert len(document["operations"]) == 2


def test_a_service_without_events_still_has_a_document() -> None:
    assert asyncapi("console", (), {}, "1")["operations"] == {}


def test_a_type_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        asyncapi("orders", (), {"orders.order_eaten.v1": ["eat"]}, "1")


def test_a_service_publishes_nothing_that_others_own() -> None:
    with pytest.raises(ValueError, match="owned by clients"):
        asyncapi("orders", clients.EVENTS, {}, "1")


def test_what_no_handler_hears_is_left_out() -> None:
    assert "clients" not in asyncapi("orders", (), {clients.ClientCreated.event_type: []}, "1")["channels"]
