"""What a currency is worth in points, said to a stand-in of loyalty before an import."""

import json
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import httpx
import pytest

from klientela.errors import Refusal
from klientela.importing.channel import ensure_rate
from klientela.importing.suite_api import SuiteApi

NOW, LATER = "2026-11-01T00:00:00Z", "2127-01-01T00:00:00Z"
Version = dict[str, Any]
TIERS = {"silver": 1, "gold": 2}


def a_version(number: int, begins: str, **rates: str) -> Version:
    return {"rates": rates, "tiers": TIERS, "valid_from": begins, "version": number}


class Loyalty:
    """Keeps the versions of the programme, and takes another from who has read the last; one may come meanwhile."""

    def __init__(self, *versions: Version, made_meanwhile: tuple[int, Version] | None = None) -> None:
        self.versions = [a_version(1, "1970-01-01T00:00:00Z", CZK="10"), *versions]
        self._after, self._made_meanwhile = made_meanwhile or (0, {})
        self._asked = 0

    @property
    def in_force(self) -> Version:
        begun = [version for version in self.versions if version["valid_from"] <= NOW]
        return max(begun, key=lambda version: (version["valid_from"], version["version"]))

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            if request.headers["If-Match"] != f'"{len(self.versions)}"':
                return httpx.Response(412, json={"detail": "another version is stored"})
            wanted = json.loads(request.content)
            self.versions.append({**wanted, "valid_from": NOW, "version": len(self.versions) + 1})
        listed = request.url.path == "/v1/programme/versions"
        told = {"items": list(self.versions), "next": None} if listed else self.in_force
        self._asked += 1
        if self._asked == self._after:
            self.versions.append(self._made_meanwhile)
        return httpx.Response(200, json=told)

    async def ensure(self, currency: str, rate: str | None) -> str:
        """Have the import see to a rate; return what it tells."""
        told: list[str] = []
        transport = httpx.MockTransport(self.answer)
        async with SuiteApi({"loyalty": "http://loyalty"}, "key", patience=0, transport=transport) as api:
            await ensure_rate(api, currency, Decimal(rate) if rate else None, told.append)
        return "".join(told)


@pytest.mark.parametrize(
    ("currency", "rate", "rates", "sentence"),
    [
        ("GBP", "10", {"CZK": "10", "GBP": "10"}, "from now on a point is 10 GBP"),
        ("GBP", None, {"CZK": "10"}, "bring no points"),
        ("CZK", "5", {"CZK": "10"}, "so it stays"),
        ("CZK", "10", {"CZK": "10"}, ""),
    ],
)
async def test_a_rate_is_set_only_where_there_is_none(
    currency: str, rate: str | None, rates: dict[str, str], sentence: str
) -> None:
    loyalty = Loyalty()
    assert sentence in await loyalty.ensure(currency, rate)
    assert (loyalty.in_force["rates"], loyalty.in_force["tiers"]) == (rates, TIERS)


async def test_a_rate_that_a_scheduled_programme_would_end_is_said_there_first() -> None:
    loyalty = Loyalty(a_version(2, LATER, CZK="5"))
    with pytest.raises(Refusal, match="Version 2 of the programme, which begins on 2127-01-01"):
        await loyalty.ensure("GBP", "10")
    assert len(loyalty.versions) == 2


async def test_where_it_was_said_with_the_same_beginning_the_rate_is_set() -> None:
    loyalty = Loyalty(a_version(2, LATER, CZK="5"), a_version(3, LATER, CZK="5", GBP="8"))
    await loyalty.ensure("GBP", "10")
    assert loyalty.in_force["rates"] == {"CZK": "10", "GBP": "10"}


async def test_a_rate_that_was_taken_away_again_is_missed() -> None:
    loyalty = Loyalty(a_version(2, LATER, CZK="5", GBP="8"), a_version(3, LATER, CZK="5"))
    with pytest.raises(Refusal, match="Version 3"):
        await loyalty.ensure("GBP", "10")


@pytest.mark.parametrize("after", [1, 2])
async def test_a_programme_made_while_it_was_read_is_not_set_back(after: int) -> None:
    """The change may come between the two questions, or before what is said then."""
    made = {"CZK": "7", "GBP": "8"}
    loyalty = Loyalty(made_meanwhile=(after, a_version(2, NOW, **made)))
    with nullcontext() if after == 1 else pytest.raises(Refusal, match="refused PUT"):
        await loyalty.ensure("GBP", "10")
    assert (len(loyalty.versions), loyalty.in_force["rates"]) == (2, made)
