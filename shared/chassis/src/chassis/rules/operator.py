"""What operators mean for each kind of field. Nothing here raises once an operand was read.

A missing value satisfies ``null``, ``!=`` and ``notIn`` and nothing else. Money of another currency satisfies no
comparison. ``contains`` and ``beginsWith`` of texts ignore case.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from chassis.rules.field import Field, Kind
from schemas.values import Amount, Money, Text

Test = Callable[[Any], bool]
MOST_VALUES = 200
NULLS = ("null", "notNull")
_EQUAL = ("=", "!=", *NULLS)
_SET = (*_EQUAL, "in", "notIn")
_ORDERED = (*_EQUAL, "<", "<=", ">", ">=", "between")

OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.MONEY: _ORDERED,
    Kind.PURSE: _ORDERED,
    Kind.NUMBER: (*_ORDERED, "in", "notIn"),
    Kind.MOMENT: _ORDERED,
    Kind.TEXT: (*_SET, "contains", "beginsWith"),
    Kind.TEXTS: ("contains", *NULLS),
    Kind.CHOICE: _SET,
    Kind.BOOLEAN: _EQUAL,
    Kind.ID: _SET,
}
"""The operators each kind of field understands."""

_WANTED: Mapping[Kind, Any] = {
    Kind.MONEY: Money,
    Kind.PURSE: Money,
    Kind.NUMBER: Amount,
    Kind.MOMENT: AwareDatetime,
    Kind.TEXT: Text,
    Kind.TEXTS: Text,
    Kind.CHOICE: Text,
    Kind.BOOLEAN: bool,
    Kind.ID: UUID,
}
_ADAPTERS: Mapping[Kind, TypeAdapter[Any]] = {kind: TypeAdapter(wanted) for kind, wanted in _WANTED.items()}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "between": lambda found, pair: pair[0] <= found <= pair[1],
    "in": lambda found, several: found in several,
    "notIn": lambda found, several: found not in several,
    "contains": lambda found, part: part in found,
    "beginsWith": lambda found, part: found.startswith(part),
}  # fmt: skip


class BadOperand(ValueError):
    """The value does not fit the field and the operator; the message says why."""


class Comparison(NamedTuple):
    """One condition made ready: ``holds`` for a field's value, and ``why`` it does not in one stable word."""

    holds: Test
    why: Callable[[Any], str]


def comparison(field: Field, sign: str, raw: object) -> Comparison:
    """Make a condition ready. Raises BadOperand for an operator or a value that does not fit the field."""
    if sign not in OPERATORS[field.kind]:
        message = f"{field.name} is {field.kind}; it knows {', '.join(OPERATORS[field.kind])}"
        raise BadOperand(message)
    if sign in NULLS:
        if raw is not None:
            message = f"{sign} takes no value"
            raise BadOperand(message)
        return _presence(sign)
    operand = _operand(field, sign, raw)
    if field.kind in {Kind.MONEY, Kind.PURSE}:
        return _of_money(sign, operand)
    if field.kind is Kind.TEXT and sign in {"contains", "beginsWith"}:
        return _of_value(sign, operand.lower(), str.lower)
    return _of_value(sign, operand)


def _operand(field: Field, sign: str, raw: object) -> Any:  # noqa: ANN401 - as kind and operator say
    if sign not in {"in", "notIn", "between"}:
        return _value(field, raw)
    fewest, most = (2, 2) if sign == "between" else (1, MOST_VALUES)
    if not isinstance(raw, list) or not fewest <= len(raw) <= most:
        message = f"{sign} takes a list of {'two values' if sign == 'between' else f'1 to {most} values'}"
        raise BadOperand(message)
    values = [_value(field, each) for each in raw]
    return tuple(values) if sign == "between" else frozenset(values)


def _value(field: Field, raw: object) -> Any:  # noqa: ANN401 - as the kind says
    """Read one value. What pydantic would read generously is refused: true as 1, 0 as the year 1970."""
    if isinstance(raw, bool) is not (field.kind is Kind.BOOLEAN) or (field.kind is Kind.MOMENT) > isinstance(raw, str):
        message = f"{field.name} is compared with a {field.kind}"
        raise BadOperand(message)
    try:
        value = _ADAPTERS[field.kind].validate_python(raw)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise BadOperand(f"{place}: {fault['msg']}" if place else fault["msg"]) from error
    if field.choices and value not in field.choices:
        message = f"{field.name} is one of {', '.join(field.choices)}"
        raise BadOperand(message)
    return value


def _presence(sign: str) -> Comparison:
    wanted = sign == "notNull"
    return Comparison(lambda found: _is_there(found) is wanted, lambda _: "missing" if wanted else "present")


def _is_there(found: object) -> bool:
    return found is not None and found not in ("", (), {})


def _of_value(sign: str, operand: Any, fold: Callable[[Any], Any] | None = None) -> Comparison:  # noqa: ANN401
    compare, when_missing = _COMPARE[sign], sign in {"!=", "notIn"}

    def holds(found: Any) -> bool:  # noqa: ANN401 - as the kind says
        if found is None:
            return when_missing
        return compare(fold(found) if fold else found, operand)

    return Comparison(holds, lambda found: "missing" if found is None else "differs")


def _of_money(sign: str, operand: Any) -> Comparison:  # noqa: ANN401 - one Money or two
    first: Money = operand[0] if sign == "between" else operand
    if sign == "between" and operand[1].currency != first.currency:
        message = "between takes two amounts of one currency"
        raise BadOperand(message)
    wanted = (first.amount, operand[1].amount) if sign == "between" else first.amount
    compare, currency, when_missing = _COMPARE[sign], first.currency, sign == "!="

    def holds(found: Any) -> bool:  # noqa: ANN401 - Money, or amounts by currency
        if found is None:
            return when_missing
        if isinstance(found, Money):
            return found.currency == currency and compare(found.amount, wanted)
        if found and currency not in found:
            return False
        return compare(found.get(currency, 0), wanted)

    def why(found: Any) -> str:  # noqa: ANN401 - Money, or amounts by currency
        if found is None:
            return "missing"
        other = found.currency != currency if isinstance(found, Money) else bool(found) and currency not in found
        return "another-currency" if other else "differs"

    return Comparison(holds, why)
