"""How many seeds, or which one: ``./klientela test tests/simulation --seeds 10000``, ``--seed 4711``."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, default=None, help="how many seeds of the simulation to run")
    parser.addoption("--seed", type=int, default=None, help="the one seed of the simulation to run")
