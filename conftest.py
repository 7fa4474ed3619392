"""How far the machines of Hypothesis go, and whether they look for a short story of what they find."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take both: ``./klientela test services/loyalty/tests/test_ledger_machine.py --steps 100000``."""
    parser.addoption("--steps", type=int, default=5_000, help="how many steps a machine takes that do something")
    parser.addoption("--as-found", action="store_true", help="show what Hypothesis finds as it is")


def pytest_configure(config: pytest.Config) -> None:
    """Whoever only wants to know whether something is found does not wait until its story is short."""
    if config.getoption("--as-found"):
        from hypothesis import Phase, settings  # noqa: PLC0415 - most runs do without it

        settings.register_profile("as-found", phases=[Phase.generate])
        settings.load_profile("as-found")


@pytest.fixture
def steps(request: pytest.FixtureRequest) -> int:
    """So many steps that do something are to be taken."""
    return int(request.config.getoption("--steps"))
