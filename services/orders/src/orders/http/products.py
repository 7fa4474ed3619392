"""The catalogue of products."""

from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import BaseModel, ConfigDict

from chassis.web.paging import Count, Cursor, Limit, Page, page_of, read_cursor, text
from chassis.web.preconditions import Expected
from chassis.web.route import Reads, Writes, router
from orders import store
from orders.commands import put_product
from orders.domain.errors import ProductUnknown
from orders.domain.product import PutProduct
from schemas.orders import DeviceTerms, Product
from schemas.values import Money, Name

routes = router("products")
Sku = Annotated[Name, Path(description="The product's SKU")]


class NewTerms(DeviceTerms):
    """Terms of a device as an operator gives them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewPrice(Money):
    """A price as an operator gives it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewProduct(BaseModel):
    """A product without its SKU, which stands in the address."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    price: NewPrice
    device: NewTerms | None = None
    service_package: Name | None = None


@routes.get("/products")
async def get_products(
    unit: Reads, *, limit: Limit = 100, cursor: Cursor = None, count: Count = False
) -> Page[Product]:
    """List the products by SKU."""
    after = read_cursor(cursor, text)[0] if cursor else None
    rows = await store.list_products(unit.connection, limit + 1, after)
    page = page_of(rows, limit, lambda row: (row.sku,), lambda row: row)
    page.count = await store.count_products(unit.connection) if count else None
    return page


@routes.get("/products/{sku:path}")
async def get_product(unit: Reads, sku: Sku) -> Product:
    """Return one product."""
    product = await store.find_product(unit.connection, sku)
    if product is None:
        raise ProductUnknown
    return product


@routes.put("/products/{sku:path}", responses={201: {"model": Product}})
async def change_product(unit: Writes, sku: Sku, new: NewProduct, response: Response, expected: Expected) -> Product:
    """Put a product into the catalogue (201) or change it there (200)."""
    told: dict[str, Any] = new.model_dump()
    shelf = await put_product(unit, PutProduct(Product(sku=sku, **told), expected))
    if shelf.product is None:
        raise ProductUnknown
    response.status_code = 201 if shelf.new else 200
    return shelf.product
