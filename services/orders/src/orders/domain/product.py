"""The catalogue: what is sold, for how much, and what becomes a device."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chassis.errors import VersionMismatch
from schemas.orders import Item, Product, ProductChanged

Catalogue = Mapping[str, Product]
"""The products that a batch speaks of, by SKU."""


@dataclass(frozen=True, slots=True)
class PutProduct:
    """An operator's word on a product; its version is given here, not there."""

    product: Product
    expected_version: int | None = None


@dataclass(slots=True)
class Shelf:
    """The place of one product in the catalogue, empty until it is first put there."""

    sku: str
    product: Product | None = None
    changed: bool = False
    new: bool = True

    def put(self, command: PutProduct) -> Iterator[ProductChanged]:
        """Take a product in, or what is new about it; the same again changes nothing. Raises VersionMismatch."""
        version = self.product.version if self.product else 0
        if command.expected_version not in (None, version):
            raise VersionMismatch
        if self.product and self.product == command.product.model_copy(update={"version": version}):
            return
        self.product = command.product.model_copy(update={"version": version + 1})
        self.changed = True
        yield ProductChanged(product=self.product)


def as_sold(item: Item, before: tuple[Item, ...], catalogue: Catalogue) -> Item:
    """Give an item what the catalogue says of its device and its care; what was said once for the order stays."""
    same = (old for old in before if old.sku and old.sku == item.sku)
    known = next((old for old in same if old.device or old.service_package), None)
    product = known or catalogue.get(item.sku)
    if product is None:
        return item
    return item.model_copy(update={"device": product.device, "service_package": product.service_package})
