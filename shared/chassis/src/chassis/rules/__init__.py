"""Typed rule trees in JSON: what they are, what their fields mean, and whether they hold.

A tree has the shape of react-querybuilder, so one stored form serves a visual builder, a predicate over events and
facts (``predicate``) and, later, a query over tables (a module ``sql`` beside it, over the same fields and operators).
"""

from chassis.rules.field import Field, Kind, Scene, fields_of
from chassis.rules.operator import OPERATORS, BadOperand
from chassis.rules.predicate import InvalidTree, Predicate, compile_tree, evaluate
from chassis.rules.tree import ALWAYS, MOST_NODES, Condition, Operator, Tree
from chassis.rules.verdict import Finding, Verdict

__all__ = [
    "ALWAYS", "MOST_NODES", "OPERATORS", "BadOperand", "Condition", "Field", "Finding", "InvalidTree", "Kind",
    "Operator", "Predicate", "Scene", "Tree", "Verdict", "compile_tree", "evaluate", "fields_of",
]  # fmt: skip
