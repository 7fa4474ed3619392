"""Trees compiled to closures: once per rule version, then a fraction of a microsecond per condition."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chassis.errors import BusinessError
from chassis.rules.field import Field, Scene
from chassis.rules.operator import BadOperand, Comparison, comparison
from chassis.rules.tree import Condition, Tree
from chassis.rules.verdict import Finding, Verdict

Matches = Callable[[Scene], bool]


class InvalidTree(BusinessError):
    """Some conditions do not fit the fields there are."""

    slug = "invalid-rule-tree"
    status = 422


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One condition made ready, at its place."""

    place: str
    condition: Condition
    field: Field
    comparison: Comparison

    def holds(self, scene: Scene) -> bool:
        return self.comparison.holds(self.field.value(scene))

    def finding(self, scene: Scene) -> Finding:
        found = self.field.value(scene)
        holds = self.comparison.holds(found)
        reason = "holds" if holds else self.comparison.why(found)
        condition = self.condition
        return Finding(self.place, condition.field, condition.operator, condition.value, found, holds, reason)


@dataclass(frozen=True, slots=True)
class _Group:
    """One group made ready; ``matches`` is the short way, the rest is for explaining."""

    place: str
    needs_all: bool
    negated: bool
    parts: "tuple[_Leaf | _Group, ...]"
    matches: Matches

    def holds(self, scene: Scene) -> bool:
        return self.matches(scene)


@dataclass(frozen=True, slots=True)
class Predicate:
    """A compiled tree. Neither method ever raises for a scene of the types that its fields were made of."""

    tree: Tree
    matches: Matches
    _root: _Group
    _leaves: tuple[_Leaf, ...]

    def explain(self, scene: Scene) -> Verdict:
        """Say whether the tree holds, how each condition stood, and which ones are to blame if it does not."""
        matched = self.matches(scene)
        findings = tuple(leaf.finding(scene) for leaf in self._leaves)
        return Verdict(matched, findings, () if matched else tuple(_blamed(self._root, scene, wanted=True)))

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that the conditions name, in their order."""
        return tuple(leaf.field for leaf in self._leaves)


def compile_tree(tree: Tree, fields: Mapping[str, Field], at: str = "") -> Predicate:
    """Compile a tree over the fields there are. Raises InvalidTree that lists every fault, its place below ``at``."""
    leaves: list[_Leaf] = []
    errors: list[dict[str, object]] = []
    root = _group(tree, "", fields, leaves, errors)
    if errors:
        raise InvalidTree(errors=[{**error, "field": f"{at}{error['field']}"} for error in errors])
    return Predicate(tree, root.matches, root, tuple(leaves))


def evaluate(tree: Tree, fields: Mapping[str, Field], scene: Scene) -> Verdict:
    """Compile and explain in one go, for a single look."""
    return compile_tree(tree, fields).explain(scene)


def _group(
    tree: Tree, place: str, fields: Mapping[str, Field], leaves: list[_Leaf], errors: list[dict[str, object]]
) -> _Group:
    parts: list[_Leaf | _Group] = []
    for number, node in enumerate(tree.rules):
        below = f"{place}.rules.{number}" if place else f"rules.{number}"
        if isinstance(node, Tree):
            parts.append(_group(node, below, fields, leaves, errors))
        elif leaf := _leaf(node, below, fields, errors):
            leaves.append(leaf)
            parts.append(leaf)
    needs_all = tree.combinator == "and"
    matches = _joined([part.holds for part in parts], needs_all=needs_all, negated=tree.negated)
    return _Group(place, needs_all, tree.negated, tuple(parts), matches)


def _leaf(
    condition: Condition, place: str, fields: Mapping[str, Field], errors: list[dict[str, object]]
) -> _Leaf | None:
    field = fields.get(condition.field)
    if field is None:
        errors.append({"field": f"{place}.field", "message": f"there is no field {condition.field} here"})
        return None
    try:
        return _Leaf(place, condition, field, comparison(field, condition.operator, condition.value))
    except BadOperand as error:
        errors.append({"field": f"{place}.value", "message": str(error)})
        return None


def _joined(tests: Sequence[Matches], *, needs_all: bool, negated: bool) -> Matches:
    if not tests:
        return lambda _: not negated
    if len(tests) == 1 and not negated:
        return tests[0]
    stops_at = not needs_all  # the first such answer decides

    def joined(scene: Scene) -> bool:
        for test in tests:
            if test(scene) is stops_at:
                return stops_at is not negated
        return needs_all is not negated

    return joined


def _blamed(node: "_Leaf | _Group", scene: Scene, *, wanted: bool) -> list[str]:
    """Return the places that made a node say something else than wanted; none if it says what is wanted."""
    if node.holds(scene) is wanted:
        return []
    if isinstance(node, _Leaf):
        return [node.place]
    if not node.parts:
        return [node.place]
    inside = wanted is not node.negated
    return [place for part in node.parts for place in _blamed(part, scene, wanted=inside)]
