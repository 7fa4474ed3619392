"""What tests of imports share."""

import pytest

from deploy.local.tests.stand_in import StandIn
from klientela.importing.suite_api import SuiteApi


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn()
    monkeypatch.setattr(SuiteApi, "of", lambda layout: stand_in.api())
    monkeypatch.setattr("klientela.importing.quiet.LOOK", 0)
    return stand_in
