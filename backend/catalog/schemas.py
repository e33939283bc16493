"""The catalogue as JSON."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from core.schemas import MoneyOut, PageSize, require_digits

Slug = Annotated[str, StringConstraints(pattern=r"^[-a-zA-Z0-9_]+$", max_length=220)]
Price = Annotated[
    Decimal,
    Field(ge=0, le=9_999_999_999, max_digits=12, decimal_places=2),
    BeforeValidator(require_digits),
    WithJsonSchema({"type": "string", "pattern": r"^([0-9]{1,10}(\.[0-9]{1,2})?)?$"}),
]
MaybePrice = Annotated[Price | None, BeforeValidator(lambda value: None if value == "" else value)]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]


class FilterQuery(Schema):
    """Filters of products; every word of `search` must begin a word of the product."""

    model_config = ConfigDict(extra="forbid")

    search: Text = ""
    category: Annotated[str, StringConstraints(pattern=r"^[-a-zA-Z0-9_]*$", max_length=140)] = ""
    brand: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=80)] = ""
    price_min: MaybePrice = None
    price_max: MaybePrice = None
    in_stock: bool | None = None


class ProductQuery(FilterQuery):
    """How a list of products is filtered, sorted and paged."""

    sort: Literal["newest", "name", "-name", "price", "-price", "relevance"] = "newest"
    limit: PageSize = 20
    cursor: Annotated[str, StringConstraints(max_length=1000)] | None = None


class CategoryRef(Schema):
    """A reference to a category."""

    slug: str
    name: str


class CategoryOut(CategoryRef):
    """A node of the tree."""

    path: str
    parent: str | None

    @staticmethod
    def resolve_parent(category: Any) -> str | None:
        """Return the parent's slug."""
        return category.parent.slug if category.parent else None


class ProductOut(Schema):
    """A product in a list. `price` is its cheapest variant's, `available` the units of all of them."""

    slug: str
    name: str
    brand: str
    category: CategoryRef
    price: MoneyOut
    available: int
    in_stock: bool
    image_url: str

    @staticmethod
    def resolve_price(product: Any) -> MoneyOut:
        """Return amount and currency together."""
        return MoneyOut(amount=product.price, currency=product.currency)

    @staticmethod
    def resolve_in_stock(product: Any) -> bool:
        """Return whether any unit can be sold now."""
        return product.available > 0


class VariantOut(Schema):
    """What a buyer puts into a cart."""

    sku: str
    name: str
    attributes: dict[str, Any]
    price: MoneyOut
    available: int
    in_stock: bool

    @staticmethod
    def resolve_price(variant: Any) -> MoneyOut:
        """Return amount and currency together."""
        return MoneyOut(amount=variant.price, currency=variant.product.currency)

    @staticmethod
    def resolve_available(variant: Any) -> int:
        """Return how many units can be sold now."""
        return variant.stock_item.available

    @staticmethod
    def resolve_in_stock(variant: Any) -> bool:
        """Return whether any unit can be sold now."""
        return variant.stock_item.available > 0


class ProductDetailOut(ProductOut):
    """A product with everything a customer sees."""

    description: str
    attributes: dict[str, Any]
    variants: list[VariantOut]
    updated_at: datetime


class ProductPageOut(Schema):
    """Some products; `next` is the cursor of those that follow, null at the end."""

    items: list[ProductOut]
    next: str | None


class CategoryListOut(Schema):
    """The whole tree, parents before their children."""

    items: list[CategoryOut]


class CategoryCount(CategoryRef):
    """A category, and how many products of the list are in it."""

    count: int


class BrandCount(Schema):
    """A brand, and how many products of the list are of it."""

    brand: str
    count: int


class FacetsOut(Schema):
    """The filters that the list could have."""

    total: int
    price_min: MoneyOut | None
    price_max: MoneyOut | None
    categories: list[CategoryCount]
    brands: list[BrandCount]
