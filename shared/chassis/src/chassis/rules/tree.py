"""The stored form of a rule's conditions: groups of conditions and groups, nothing that could be run."""

from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from schemas.values import Text

DEEPEST = 8
MOST_NODES = 200

Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "notIn", "contains", "beginsWith", "null", "notNull", "between"
]  # fmt: skip


class _Node(BaseModel):
    """Unknown keys are refused, so a typo gets an error; ``id`` is what a visual builder calls the node."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    id: Text | None = Field(default=None, exclude_if=lambda value: value is None)


class Condition(_Node):
    """One comparison of a field with a value, or with two, or a list, or nothing, as the operator wants."""

    field: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[a-z0-9_.]+$")]
    operator: Operator
    value: JsonValue = None


def _node(raw: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Choose what a node is meant to be, so that its errors are about that and name its place."""
    if isinstance(raw, dict):
        return (
            Tree.model_validate(raw) if raw.keys() & {"rules", "combinator", "not"} else Condition.model_validate(raw)
        )
    return raw


class Tree(_Node):
    """A group: all of its rules hold (``and``) or at least one does (``or``), or not so; an empty one always holds."""

    combinator: Literal["and", "or"] = "and"
    negated: bool = Field(default=False, alias="not")
    rules: tuple[Annotated[Union["Tree", Condition], BeforeValidator(_node)], ...] = Field(max_length=MOST_NODES)

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, raw: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Refuse what is too deep or too large before reading it."""
        level, depth, nodes = [raw], 0, 0
        while level:
            depth, nodes = depth + 1, nodes + len(level)
            if depth > DEEPEST + 1 or nodes > MOST_NODES:
                message = f"a rule tree has at most {DEEPEST} groups in each other and {MOST_NODES} nodes"
                raise ValueError(message)
            level = [below for node in level for below in _below(node)]
        return raw


def _below(node: object) -> list[object]:
    if isinstance(node, Tree):
        return list(node.rules)
    rules = node.get("rules") if isinstance(node, dict) else None
    return list(rules) if isinstance(rules, list | tuple) else []


ALWAYS = Tree(rules=())
"""The tree without conditions: it always holds."""
