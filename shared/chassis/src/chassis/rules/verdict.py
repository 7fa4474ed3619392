"""What a tree says about a scene, and which of its conditions made it say so."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """How one condition stood: ``place`` is its path in the tree (``rules.0.rules.2``).

    ``reason`` is a stable word: holds, differs, missing, present, another-currency.
    """

    place: str
    field: str
    operator: str
    value: Any
    found: Any
    holds: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a tree holds; ``failed`` are the places that made it not hold, negated groups seen through."""

    matched: bool
    findings: tuple[Finding, ...]
    failed: tuple[str, ...]
