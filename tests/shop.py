"""A shop as the tests know it: it makes WooCommerce orders, signs them, and sends them until they are taken."""

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

SECRET = "a secret of the shop and us"
FIRMS = ("25596641", "27074358", "45274649", "00006947", "26185610", "60193336")
START = datetime(2026, 10, 1, 7, tzinfo=UTC)


def signature(body: bytes, secret: str = SECRET) -> str:
    """Return what a shop puts into X-WC-Webhook-Signature."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def ico_of(number: int) -> str:
    """Return the IČO whose first seven digits a number gives; the eighth is the check digit.

    >>> ico_of(2559664)
    '25596641'
    """
    digits = f"{number:07}"
    weighed = sum(int(digit) * weight for digit, weight in zip(digits, range(8, 1, -1), strict=True))
    return f"{digits}{(11 - weighed % 11) % 10}"


def gmt(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%S") if at else None


@dataclass
class ShopOrder:
    """One order as the shop has it; every ``send`` says how it is now."""

    number: int
    total: Decimal
    ico: str = ""
    sku: str = "K-1"
    paid: bool = True
    status: str = "processing"
    refunded: Decimal = Decimal(0)
    currency: str = "CZK"
    revision: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the webhook's body."""
        at = START + timedelta(minutes=self.revision)
        meta = [{"id": 1, "key": "_billing_ic", "value": self.ico}] if self.ico else []
        refunds = [{"id": 9, "reason": "", "total": f"-{self.refunded}"}] if self.refunded else []
        return json.dumps({
            "id": self.number, "parent_id": 0, "number": str(self.number), "status": self.status,
            "currency": self.currency, "date_created_gmt": gmt(START), "date_modified_gmt": gmt(at),
            "date_paid_gmt": gmt(START + timedelta(seconds=30)) if self.paid else None,
            "total": str(self.total), "total_tax": "0.00", "prices_include_tax": True, "customer_id": 0,
            "billing": {
                "first_name": "Jana", "last_name": "Malá", "company": f"Firma {self.ico}", "address_1": "Dlouhá 1",
                "address_2": "", "city": "Brno", "state": "", "postcode": "602 00", "country": "CZ",
                "email": f"jana{self.number}@example.com", "phone": "603123456",
            },
            "shipping": {}, "meta_data": meta, "refunds": refunds,
            "line_items": [{
                "id": 1, "sku": self.sku, "name": "Kávovar", "quantity": 1, "price": float(self.total),
                "subtotal": str(self.total), "total": str(self.total), "total_tax": "0.00",
            }],
            **self.extra,
        }).encode()  # fmt: skip


class Shop:
    """Sends webhooks to one channel, again and again until they are taken, as a shop's queue does."""

    def __init__(self, api: httpx.AsyncClient, webhook_url: str, secret: str = SECRET) -> None:
        self.api, self.path, self.secret = api, httpx.URL(webhook_url).path, secret

    @property
    def channel(self) -> str:
        """The channel's id, the last part of its webhook's path."""
        return self.path.rsplit("/", 1)[1]

    @classmethod
    async def open(cls, api: httpx.AsyncClient, name: str = "E-shop") -> "Shop":
        """Make a WooCommerce channel and return its shop."""
        made = await api.post("/v1/channels", json={"kind": "woocommerce", "name": name, "secret": SECRET})
        made.raise_for_status()
        return cls(api, made.json()["webhook_url"])

    async def post(self, body: bytes, topic: str = "order.updated", **headers: str) -> httpx.Response:
        """Send one webhook once."""
        signed = {
            "X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature(body, self.secret),
            "X-WC-Webhook-Source": "https://shop.example/", "Content-Type": "application/json",
        }  # fmt: skip
        return await self.api.post(self.path, content=body, headers={**signed, **headers})

    async def send(self, order: ShopOrder, *, patience: float = 30) -> None:
        """Send an order as it is now until the suite has taken it."""
        body = order.body()
        async with asyncio.timeout(patience):
            while True:
                try:
                    if (await self.post(body)).is_success:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)  # lint-skip: sleep a shop's queue tries again by the clock
