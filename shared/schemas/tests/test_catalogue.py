"""The catalogue is data, and these tests keep it complete."""

import json
import re
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import BaseModel, ValidationError

from schemas.catalogue import EVENTS, OWNERS
from schemas.event import Event
from schemas.values import is_dic, is_ico
from scripts.generate import rendered, schemas

FOLDER = Path(__file__).resolve().parents[1]
EXAMPLES = FOLDER / "examples"
SCHEMAS = schemas()
EACH = pytest.mark.parametrize("event_type", sorted(EVENTS))


def example(event_type: str) -> str:
    return (EXAMPLES / f"{event_type}.json").read_text(encoding="utf-8")


def models_inside(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return a model and every model in its fields, however deep."""
    found: set[type[BaseModel]] = {model}
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found |= models_inside(kind)
        waiting.extend(getattr(kind, "__args__", ()))
    return found


def test_every_file_belongs_to_an_event_and_every_event_has_its_files() -> None:
    for folder in ("examples", "json"):
        assert {path.stem for path in (FOLDER / folder).iterdir()} == set(EVENTS), folder


@EACH
def test_the_json_schema_is_up_to_date(event_type: str) -> None:
    committed = (FOLDER / "json" / f"{event_type}.json").read_text(encoding="utf-8")
    assert committed == rendered(SCHEMAS[event_type]), "run `just generate`"


@EACH
def test_the_example_fits_the_model_and_the_json_schema(event_type: str) -> None:
    EVENTS[event_type].model_validate_json(example(event_type), strict=False)
    schema = SCHEMAS[event_type]
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(json.loads(example(event_type)))


@EACH
def test_the_example_round_trips_byte_for_byte(event_type: str) -> None:
    event = EVENTS[event_type].model_validate_json(example(event_type))
    first = event.model_dump_json()
    assert EVENTS[event_type].model_validate_json(first).model_dump_json() == first
    assert json.loads(first) == json.loads(example(event_type)), "the example is not written as the wire has it"


@EACH
def test_the_example_leaves_no_field_to_chance(event_type: str) -> None:
    event = EVENTS[event_type].model_validate_json(example(event_type))
    assert json.loads(example(event_type)).keys() == type(event).model_fields.keys()
    assert isinstance(event.partition_key, UUID)
    assert isinstance(event.subject_id, UUID)
    assert event.subject_version >= 0


@EACH
def test_numbers_of_firms_in_examples_have_right_check_digits(event_type: str) -> None:
    text = example(event_type)
    assert all(is_ico(number) for number in re.findall(r'"(?:ico|value)": "(\d{8})"', text))
    assert all(is_dic(number) for number in re.findall(r'"dic": "([^"]+)"', text))


@EACH
def test_the_name_is_owner_event_version_and_the_owner_is_the_module(event_type: str) -> None:
    assert re.fullmatch(r"[a-z-]+\.[a-z_]+\.v[0-9]+", event_type)
    event = EVENTS[event_type]
    assert event.owner() in OWNERS
    assert event.__module__ == f"schemas.{event.owner().replace('-', '_')}"
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
    assert words == event_type.split(".")[1], "class and wire name say two things"


@EACH
def test_everything_in_an_event_is_frozen(event_type: str) -> None:
    for model in models_inside(EVENTS[event_type]):
        assert model.model_config.get("frozen") is True, model
    event = EVENTS[event_type].model_validate_json(example(event_type))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(event, next(iter(type(event).model_fields)), None)


@EACH
def test_unknown_fields_of_a_newer_writer_are_ignored(event_type: str) -> None:
    newer = json.loads(example(event_type)) | {"invented_next_year": 1}
    assert EVENTS[event_type].model_validate(newer) == EVENTS[event_type].model_validate_json(example(event_type))


@EACH
def test_personal_paths_lead_to_fields(event_type: str) -> None:
    for path in EVENTS[event_type].personal:
        node: Any = json.loads(example(event_type))
        for step in path.split("."):
            assert step in node, path
            node = node[step]


@EACH
def test_every_event_says_what_it_is(event_type: str) -> None:
    assert EVENTS[event_type].__doc__ != Event.__doc__
    assert (EVENTS[event_type].__doc__ or "").strip()


def test_no_event_class_is_left_out_of_the_catalogue() -> None:
    for owner in OWNERS:
        module = sys.modules[f"schemas.{owner.replace('-', '_')}"]
        declared = {thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, Event)}
        named = {event for event in declared if "event_type" in vars(event)}
        assert named == {event for event in EVENTS.values() if event.owner() == owner}


def test_no_two_classes_share_a_wire_name() -> None:
    declared = [event for owner in OWNERS for event in sys.modules[f"schemas.{owner.replace('-', '_')}"].EVENTS]
    assert len(declared) == len(EVENTS)
