"""Checks an import from outside: computes from the file what should be there, and asks the APIs what is.

It imports nothing but the standard library, and shares no code with the suite. Run it as a program:

    klientela up --detach --json | python tests/real_input/checker.py FILE [--channel NAME] [--currency GBP] [--rate 10]

Every difference is a line on stdout; exit 1 if there is any.
"""

import argparse
import csv
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from http.client import HTTPConnection
from io import TextIOWrapper
from math import floor
from pathlib import Path
from threading import local
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass
class Expected:
    """An invoice as the file tells it."""

    customer: str = ""
    total: Fraction = Fraction(0)
    items: int = 0
    earliest: str = "9999"


@dataclass
class Sum:
    """What one customer's invoices add up to."""

    orders: int = 0
    refunds: int = 0
    revenue: Fraction = Fraction(0)
    points: int = 0

    def add(self, number: str, total: Fraction, rate: Fraction | None) -> None:
        if number.startswith("C"):
            self.refunds += 1
        else:
            self.orders += 1
        self.revenue += total
        self.points += floor(total / rate) if rate else 0


def read_invoices(path: Path) -> dict[str, Expected]:
    """The accepted lines of a file, by invoice; for well-formed files, as the issue describes them."""
    invoices: dict[str, Expected] = defaultdict(Expected)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for line in csv.DictReader(TextIOWrapper(file, encoding="utf-8", newline="")):
            number, quantity, price = line["InvoiceNo"], Fraction(line["Quantity"]), Fraction(line["UnitPrice"])
            if number.startswith("A") or (not number.startswith("C") and (quantity <= 0 or price < 0)):
                continue
            invoice = invoices[number]
            invoice.customer = line["CustomerID"].removesuffix(".0")
            invoice.total += quantity * price
            invoice.items += 1
            invoice.earliest = min(invoice.earliest, line["InvoiceDate"])
    return dict(invoices)


class Api:
    """Asks one service; a connection for each thread."""

    def __init__(self, base: str, key: str) -> None:
        self.address = urlsplit(base).netloc
        self.headers = {"Authorization": f"Bearer {key}"}
        self.mine = local()

    def get(self, path: str, **query: object) -> dict[str, Any]:
        if not hasattr(self.mine, "connection"):
            self.mine.connection = HTTPConnection(self.address, timeout=120)
        self.mine.connection.request("GET", f"{path}?{urlencode(query)}", headers=self.headers)
        answer = self.mine.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"GET {path} at {self.address}: {answer.status} {body[:500]!r}")
        said: dict[str, Any] = json.loads(body)
        return said

    def all(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        cursor: dict[str, object] = {}
        while True:
            page = self.get(path, limit=500, **query, **cursor)
            yield from page["items"]
            if page.get("next") is None:
                return
            cursor = {"cursor": page["next"]}


@dataclass
class Check:
    """One comparison of a file with a suite."""

    services: dict[str, str]
    key: str
    currency: str
    rate: Fraction | None
    differences: list[str] = field(default_factory=list)

    def differ(self, text: str) -> None:
        self.differences.append(text)

    def channel(self, name: str) -> str:
        found = [one["id"] for one in Api(self.services["orders"], self.key).all("/v1/channels") if one["name"] == name]
        if len(found) != 1:
            sys.exit(f"There are {len(found)} channels called {name}, not one.")
        return str(found[0])

    def compare(self, invoices: dict[str, Expected], channel: str) -> int:
        """Compare all; the number of customers compared."""
        owners = self.orders(invoices, channel)
        sums: dict[str, Sum] = defaultdict(Sum)
        for number, invoice in invoices.items():
            if invoice.customer:
                sums[invoice.customer].add(number, invoice.total, self.rate)
        clients = self.clients(invoices, owners)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda pair: self.client(pair[0], pair[1], sums[pair[0]]), clients.items()))
        return len(sums)

    def orders(self, invoices: dict[str, Expected], channel: str) -> dict[str, str | None]:
        """Compare order by order; return whose each one is."""
        owners: dict[str, str | None] = {}
        for order in Api(self.services["orders"], self.key).all("/v1/orders", channel_id=channel):
            number = order["external_id"]
            if number in owners:
                self.differ(f"order {number}: is there twice")
            owners[number] = order["client_id"]
            if number not in invoices:
                self.differ(f"order {number}: is not in the file")
                continue
            self.order(number, order, invoices[number])
        for number in invoices.keys() - owners.keys():
            self.differ(f"order {number}: is missing")
        return owners

    def order(self, number: str, order: dict[str, Any], invoice: Expected) -> None:
        total, refunded = order["total"], order["refunded"]
        if (Fraction(total["amount"]), total["currency"]) != (invoice.total, self.currency):
            self.differ(f"order {number}: total is {total}, should be {float(invoice.total)} {self.currency}")
        if Fraction(refunded["amount"]) or order["paid"] is not True:
            self.differ(f"order {number}: should be paid and not refunded")
        if len(order["items"]) != invoice.items:
            self.differ(f"order {number}: has {len(order['items'])} items, should have {invoice.items}")
        if order["placed_at"][:19] != invoice.earliest.replace(" ", "T"):
            self.differ(f"order {number}: is of {order['placed_at']}, should be of {invoice.earliest}")
        if bool(order["client_id"]) != bool(invoice.customer):
            self.differ(f"order {number}: client is {order['client_id']}, customer is {invoice.customer or 'nobody'}")

    def clients(self, invoices: dict[str, Expected], owners: dict[str, str | None]) -> dict[str, str]:
        """Join customers and clients by their invoices: each customer is one client, and no client is two."""
        clients: dict[str, str] = {}
        customers: dict[str, str] = {}
        for number, invoice in invoices.items():
            client = owners.get(number)
            if not client or not invoice.customer:
                continue
            if clients.setdefault(invoice.customer, client) != client:
                self.differ(f"customer {invoice.customer}: has orders of several clients")
            if customers.setdefault(client, invoice.customer) != invoice.customer:
                self.differ(f"client {client}: has orders of several customers")
        return clients

    def client(self, customer: str, client: str, expected: Sum) -> None:
        """Compare what clients and loyalty say of one client."""
        card = self.api("clients").get(f"/v1/clients/{client}")
        money = {one["currency"]: Fraction(one["amount"]) for one in card["revenue"]}
        if card["orders"] != expected.orders:
            self.differ(f"customer {customer}: {card['orders']} orders, should be {expected.orders}")
        if money.get(self.currency, Fraction(0)) != expected.revenue:
            self.differ(f"customer {customer}: revenue {card['revenue']}, should be {float(expected.revenue)}")
        account = self.api("loyalty").get(f"/v1/accounts/{client}")
        if account["points"] != expected.points:
            self.differ(f"customer {customer}: {account['points']} points, should be {expected.points}")

    def api(self, service: str) -> Api:
        apis: dict[str, Api] = self.__dict__.setdefault("apis", {})
        return apis.setdefault(service, Api(self.services[service], self.key))


def main(arguments: list[str] | None = None) -> int:
    """Compare and say what differs."""
    parser = argparse.ArgumentParser(description="Compare an imported file with what the suite has made of it.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--suite", help="the line that `klientela up --json` prints; read from stdin if not given")
    parser.add_argument("--channel", help="the import's channel")
    parser.add_argument("--currency", default="GBP")
    parser.add_argument("--rate", default="10", help="money worth a point, or none")
    wanted = parser.parse_args(arguments)
    suite = json.loads(wanted.suite or sys.stdin.readline())
    rate = None if wanted.rate == "none" else Fraction(wanted.rate)
    check = Check(suite["services"], suite["key"], wanted.currency, rate)
    invoices = read_invoices(wanted.file)
    name = wanted.channel or f"import {wanted.file.name.removesuffix('.gz').removesuffix('.csv')}"
    compared = check.compare(invoices, check.channel(name))
    for difference in sorted(check.differences):
        print(difference)  # noqa: T201 - a program's answer
    revenue = float(sum(invoice.total for invoice in invoices.values()))
    print(  # noqa: T201 - as above
        f"{len(invoices)} orders of {compared} customers compared, revenue {revenue:.6f}: "
        f"{len(check.differences)} differences"
    )
    return 1 if check.differences else 0


if __name__ == "__main__":
    sys.exit(main())
