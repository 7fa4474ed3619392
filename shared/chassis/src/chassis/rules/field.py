"""The fields that conditions may name, found with their kinds in the types of events and facts."""

import types
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from schemas.values import Money

Scene = Mapping[str, Any]
"""What a tree is held against: root objects (an event, a client's facts) by name; a missing one has no values."""

Read = Callable[[Any], Any]


class Kind(StrEnum):
    """What a field holds, which says how it may be compared."""

    MONEY = "money"
    PURSE = "purse"  # amounts by currency
    NUMBER = "number"
    TEXT = "text"
    TEXTS = "texts"  # several texts; "contains" asks for a whole one
    CHOICE = "choice"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    ID = "id"


LEAVES: Mapping[Any, Kind] = {
    Money: Kind.MONEY, bool: Kind.BOOLEAN, int: Kind.NUMBER, Decimal: Kind.NUMBER, str: Kind.TEXT, UUID: Kind.ID,
    datetime: Kind.MOMENT, AwareDatetime: Kind.MOMENT, dict[str, Decimal]: Kind.PURSE,
}  # fmt: skip


class Field(NamedTuple):
    """A field by its dotted name: ``read`` finds its value in the root object it belongs to."""

    name: str
    kind: Kind
    root: str
    read: Read
    choices: tuple[str, ...] = ()

    def value(self, scene: Scene) -> Any:  # noqa: ANN401 - as the kind says
        """Return what the scene has for the field; None if nothing."""
        return self.read(scene.get(self.root))


def fields_of(model: type, root: str, prefix: str = "") -> dict[str, Field]:
    """Return the fields below a pydantic model or dataclass by dotted name, without what no operator can compare."""
    return {field.name: field for field in _walk(model, root, prefix, ())}


def _walk(model: type, root: str, prefix: str, path: tuple[str, ...], *, many: bool = False) -> list[Field]:
    found: list[Field] = []
    for attribute, hint in _attributes(model).items():
        name, inner = prefix + attribute, (*path, attribute)
        hint, repeated = _unwrapped(hint)  # noqa: PLW2901 - the same hint, without its wrapping
        several = many or repeated
        if _is_model(hint):
            found += _walk(hint, root, name + ".", inner, many=several)
        elif several:
            if hint is str or get_origin(hint) is Literal:
                found.append(Field(name, Kind.TEXTS, root, _reader_of_all(inner)))
        elif get_origin(hint) is Literal:
            found.append(Field(name, Kind.CHOICE, root, _reader(inner), get_args(hint)))
        elif hint in LEAVES:
            found.append(Field(name, LEAVES[hint], root, _reader(inner)))
    return found


def _attributes(model: type) -> dict[str, Any]:
    if issubclass(model, BaseModel):
        return {name: field.annotation for name, field in model.model_fields.items()}
    return {name: hint for name, hint in get_type_hints(model).items() if not name.startswith("_")}


def _is_model(hint: Any) -> bool:  # noqa: ANN401 - a type hint may be anything
    return isinstance(hint, type) and hint is not Money and (issubclass(hint, BaseModel) or is_dataclass(hint))


def _unwrapped(hint: Any) -> tuple[Any, bool]:  # noqa: ANN401 - a type hint may be anything
    """Return a hint without Annotated, None and tuple, and whether it was a tuple of many."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _unwrapped(arguments[0])
    if origin in {Union, types.UnionType}:
        left = [argument for argument in arguments if argument is not type(None)]
        return _unwrapped(left[0]) if len(left) == 1 else (hint, False)
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:  # noqa: PLR2004 - tuple[X, ...]
        return _unwrapped(arguments[0])[0], True
    return hint, False


def _reader(path: tuple[str, ...]) -> Read:
    def read(value: Any) -> Any:  # noqa: ANN401 - as the kind says
        for attribute in path:
            if value is None:
                return None
            value = getattr(value, attribute)
        return value

    return read


def _reader_of_all(path: tuple[str, ...]) -> Read:
    def read(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - a root object
        found = [value]
        for attribute in path:
            found = [
                each
                for one in found
                if one is not None and (below := getattr(one, attribute)) is not None
                for each in (below if isinstance(below, tuple) else (below,))
            ]
        return tuple(text for text in found if text)

    return read
