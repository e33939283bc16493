"""Reads of the catalogue; the number of queries never depends on the number of rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce, Upper

from catalog.models import Category, Product, Variant
from catalog.search import annotate_relevance, filter_by_search
from core.cursors import Order, Page, get_page
from core.problems import NotFound


def _parser(shape: str, make: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what makes a value of its text in a cursor; any other text may be too much for the database."""

    def parse(text: str) -> Any:
        if not re.fullmatch(shape, text):
            raise ValueError("no value of this list")
        return make(text)

    return parse


_name, _price = _parser(r"[^\x00]*", str), _parser(r"[0-9]{1,10}\.[0-9]{2}", Decimal)
ORDERS = {
    "newest": Order(field="id", descending=True),
    "name": Order(field="name", parse=_name),
    "-name": Order(field="name", descending=True, parse=_name),
    "price": Order(field="price", parse=_price),
    "-price": Order(field="price", descending=True, parse=_price),
    "relevance": Order(field="relevance", descending=True, parse=_parser(r"[0-9]{1,9}", int)),
}


UNLISTED = ("description", "attributes", "search_text")
"""Long texts that a list does not show."""


@dataclass(frozen=True, kw_only=True)
class ProductFilter:
    """Filters of a list of products; None and empty mean any."""

    search: str = ""
    category: str = ""
    brand: str = ""
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    in_stock: bool | None = None


def product_page(*, filters: ProductFilter, sort: str, limit: int, cursor: str | None) -> Page[Product]:
    """Return one page of published products, each with its `available` units. Raises: BadCursor."""
    rows = _annotate_available(filter_products(filters=filters)).select_related("category").defer(*UNLISTED)
    if sort == "relevance":
        rows = annotate_relevance(rows, filters.search)
    return get_page(rows, order=ORDERS[sort], name=f"products:{sort}", limit=limit, cursor=cursor)


def filter_products(*, filters: ProductFilter) -> QuerySet[Product]:
    """Return the published products that pass the filter."""
    rows = filter_by_search(Product.objects.published(), filters.search)
    if filters.category:
        rows = rows.filter(category__in=_subtree(filters.category))
    if filters.brand:
        rows = rows.alias(brand_upper=Upper("brand")).filter(brand_upper=Upper(Value(filters.brand)))
    if filters.price_min is not None:
        rows = rows.filter(price__gte=filters.price_min)
    if filters.price_max is not None:
        rows = rows.filter(price__lte=filters.price_max)
    if filters.in_stock is not None:
        sellable = Variant.objects.filter(
            product=OuterRef("pk"), stock_item__on_hand__gt=F("stock_item__reserved")
        )
        rows = rows.filter(Exists(sellable) if filters.in_stock else ~Exists(sellable))
    return rows


@dataclass(frozen=True, kw_only=True)
class Facets:
    """The filters that a list could have, each with its number of products."""

    total: int
    price_min: Decimal | None
    price_max: Decimal | None
    categories: list[dict[str, Any]]
    brands: list[dict[str, Any]]


def product_facets(*, filters: ProductFilter) -> Facets:
    """Return the facets of a filtered list, most frequent first, in three queries.

    The prices are those of the shop's currency: numbers of two currencies cannot be compared.
    """
    rows, sold = filter_products(filters=filters).order_by(), Q(currency=settings.SHOP_CURRENCY)
    totals = rows.aggregate(
        total=Count("id"), price_min=Min("price", filter=sold), price_max=Max("price", filter=sold)
    )
    by_category = rows.values("category__slug", "category__name").annotate(count=Count("id"))
    by_brand = rows.exclude(brand="").values("brand").annotate(count=Count("id"))
    return Facets(
        **totals,
        categories=list(by_category.order_by("-count", "category__slug")[:50]),
        brands=list(by_brand.order_by("-count", "brand")[:50]),
    )


def _subtree(slug: str) -> QuerySet[Category]:
    path = Category.objects.filter(slug=slug).values("path")[:1]
    return Category.objects.filter(path__startswith=Subquery(path)).values("id")


def _annotate_available(rows: QuerySet[Product]) -> QuerySet[Product]:
    units = (
        Variant.objects.filter(product=OuterRef("pk"))
        .order_by()
        .values("product")
        .annotate(units=Sum(F("stock_item__on_hand") - F("stock_item__reserved")))
        .values("units")
    )
    counted = Coalesce(Subquery(units, output_field=IntegerField()), Value(0))
    return rows.annotate(available=counted)


def product_get(*, slug: str) -> Product:
    """Return one published product with its category and variants. Raises: NotFound."""
    rows = _annotate_available(Product.objects.published()).select_related("category")
    product = rows.prefetch_related("variants__stock_item").filter(slug=slug).first()
    if product is None:
        raise NotFound(f"There is no product {slug}.")
    return product


def category_list() -> list[Category]:
    """Return all categories, parents before their children."""
    return list(Category.objects.select_related("parent").order_by("path"))
