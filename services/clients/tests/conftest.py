"""The bench of the clients service, and one whose setting makes clients for B2B orders."""

import pytest

from chassis.testing import Bench, bench_of
from clients.app import service

bench = bench_of(service)


@pytest.fixture
async def making(bench: Bench) -> Bench:
    async with bench.api("operator") as api:
        answer = await api.put("/v1/settings/b2b-clients", json={"create": True, "default_status": "Zájemce"})
        assert answer.status_code == 200
    return bench
