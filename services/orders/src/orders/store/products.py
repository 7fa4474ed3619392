"""The catalogue: one product to be changed, or those a batch speaks of."""

from collections.abc import Sequence
from typing import Literal, cast

import asyncpg
import orjson

from chassis.database import Connection
from chassis.events.unit import Unit
from orders.domain.product import Catalogue, PutProduct, Shelf
from orders.domain.revision import Revision
from schemas.automation import OpportunityRequested
from schemas.orders import Product

Whole = Literal["catalogue"]


class Shelves:
    """One product by its SKU. A second who puts it there first collides, and repeats."""

    def key(self, message: object) -> str | None:
        return message.product.sku if isinstance(message, PutProduct) else None

    async def load(self, unit: Unit, messages: Sequence[object]) -> dict[str, Shelf]:
        keys = sorted({key for message in messages if (key := self.key(message))})
        rows = await unit.connection.fetch(
            "select * from products where sku = any($1::text[]) order by sku for update", keys
        )
        found = {row["sku"]: Shelf(row["sku"], _product(row), new=False) for row in rows}
        return {key: found.get(key) or Shelf(key) for key in keys}

    async def save(self, unit: Unit, states: Sequence[Shelf]) -> None:
        for new in (True, False):
            rows = [_row(shelf.product) for shelf in states if shelf.changed and shelf.product and shelf.new is new]
            if rows:
                await unit.connection.execute(_INSERT if new else _UPDATE, orjson.dumps(rows).decode())


_INSERT = "insert into products select * from jsonb_populate_recordset(null::products, $1::jsonb)"
_UPDATE = (
    "update products p set (name, price, currency, device, service_package, version)"
    " = (n.name, n.price, n.currency, n.device, n.service_package, n.version)"
    " from jsonb_populate_recordset(null::products, $1::jsonb) n where p.sku = n.sku"
)


class Catalogues:
    """The products that a batch speaks of, read in one statement and never changed by it."""

    def key(self, message: object) -> Whole | None:
        return "catalogue" if isinstance(message, Revision | OpportunityRequested) else None

    async def load(self, unit: Unit, messages: Sequence[object]) -> dict[Whole, Catalogue]:
        wanted = {item.sku for message in messages if isinstance(message, Revision) for item in message.items}
        wanted |= {message.sku for message in messages if isinstance(message, OpportunityRequested) and message.sku}
        rows = await unit.connection.fetch("select * from products where sku = any($1::text[])", sorted(wanted))
        return {"catalogue": {row["sku"]: _product(row) for row in rows}}

    async def save(self, unit: Unit, states: Sequence[Catalogue]) -> None:
        """Write nothing."""


async def find_product(connection: Connection, sku: str) -> Product | None:
    """Return a product if there is one of the SKU."""
    row = await connection.fetchrow("select * from products where sku = $1", sku)
    return _product(row) if row else None


async def list_products(connection: Connection, limit: int, after: str | None) -> list[Product]:
    """Return a page of products by SKU."""
    rows = await connection.fetch(
        "select * from products where $1::text is null or sku > $1 order by sku limit $2", after, limit
    )
    return [_product(row) for row in rows]


async def count_products(connection: Connection) -> int:
    """Return how many products there are."""
    return cast("int", await connection.fetchval("select count(*) from products"))


def _product(row: asyncpg.Record) -> Product:
    price = {"amount": row["price"], "currency": row["currency"]}
    return Product.model_validate({**row, "price": price, "device": row["device"] and orjson.loads(row["device"])})


def _row(product: Product) -> dict[str, object]:
    money = {"price": str(product.price.amount), "currency": product.price.currency}
    return product.model_dump(mode="json", exclude={"price"}) | money


catalogues = Catalogues()
shelves = Shelves()
