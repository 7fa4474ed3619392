"""The model knows what was sent and nothing of the services, and what must then be true."""

import ast
import sys
from decimal import Decimal
from pathlib import Path

from tests.faults.inputs import NOBODY, Firm, Inputs
from tests.shop import ShopOrder

LARGE = Decimal(60_000)


def test_the_truth_follows_the_last_revision_and_the_operator() -> None:
    paid = ShopOrder(1, LARGE, "25596641")
    inputs = Inputs(sent=[ShopOrder(1, LARGE, "25596641", refunded=LARGE, revision=2), paid])
    assert inputs.truth()["25596641"] == Firm(1, 0, "bronze", "Stálý odběratel", starred=True, devices=0, tasks=0,
                                              opportunities=0)  # fmt: skip
    inputs.sent += [ShopOrder(2, Decimal(500), "25596641"), ShopOrder(3, Decimal(10), "27074358")]
    inputs.moved[2] = "27074358"
    assert (inputs.truth()["25596641"].points, inputs.truth()["27074358"].points) == (0, 51)


def test_what_was_acted_on_leaves_its_marks_when_the_order_is_gone() -> None:
    """As where the orders were set back: a firm is a regular for an order that its owner no longer knows."""
    kept, gone = ShopOrder(1, Decimal(500), "27074358"), ShopOrder(2, LARGE, "25596641")
    inputs = Inputs(sent=[kept], owners={"27074358": NOBODY})
    assert inputs.truth([kept, gone]) == {
        "25596641": Firm(0, 0, "bronze", "Stálý odběratel", starred=True, devices=0, tasks=0, opportunities=0),
        "27074358": Firm(0, 0, "bronze", "Stálý odběratel", starred=False, devices=0, tasks=0, opportunities=0),
    }


def test_the_model_knows_nothing_of_the_services() -> None:
    """It imports the standard library and how the tests know a shop, which itself knows HTTP and no more."""

    def borrowed(name: str) -> set[str]:
        tree = ast.parse((Path(__file__).parents[1] / name).read_text())
        named = {str(each.module) for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
        named |= {alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names}
        return {each for each in named if each.split(".", maxsplit=1)[0] not in sys.stdlib_module_names}

    assert borrowed("faults/inputs.py") == {"tests.shop"}
    assert borrowed("shop.py") == {"httpx"}
