"""Reads of the catalogue; the number of queries never depends on the number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce

from catalog.models import Category, Product, Variant
from catalog.search import narrowed_to, with_relevance
from core.cursors import Order, Page, page_of
from core.problems import NotFound


def _price(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError("no price")
    return value


def _name(text: str) -> str:
    if "\x00" in text:
        raise ValueError("no name")
    return text


ORDERS = {
    "newest": Order(field="id", descending=True),
    "name": Order(field="name", read=_name),
    "-name": Order(field="name", descending=True, read=_name),
    "price": Order(field="price", read=_price),
    "-price": Order(field="price", descending=True, read=_price),
    "relevance": Order(field="relevance", descending=True, read=int),
}


UNLISTED = ("description", "attributes", "search_text")
"""Long texts that a list does not show."""


@dataclass(frozen=True, kw_only=True)
class ProductFilter:
    """What a list of products is narrowed to; None and empty mean any."""

    search: str = ""
    category: str = ""
    brand: str = ""
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    in_stock: bool | None = None


def product_page(*, narrowed: ProductFilter, sort: str, limit: int, cursor: str | None) -> Page[Product]:
    """Answers one page of published products, each with its `available` units. Raises: BadCursor."""
    rows = _with_available(products_matching(narrowed=narrowed)).select_related("category").defer(*UNLISTED)
    if sort == "relevance":
        rows = with_relevance(rows, narrowed.search)
    return page_of(rows, order=ORDERS[sort], name=f"products:{sort}", limit=limit, cursor=cursor)


def products_matching(*, narrowed: ProductFilter) -> QuerySet[Product]:
    """Answers the published products that pass the filter."""
    rows = narrowed_to(Product.objects.published(), narrowed.search)
    if narrowed.category:
        rows = rows.filter(category__in=_subtree(narrowed.category))
    if narrowed.brand:
        rows = rows.filter(brand__iexact=narrowed.brand)
    if narrowed.price_min is not None:
        rows = rows.filter(price__gte=narrowed.price_min)
    if narrowed.price_max is not None:
        rows = rows.filter(price__lte=narrowed.price_max)
    if narrowed.in_stock is not None:
        sellable = Variant.objects.filter(
            product=OuterRef("pk"), stock_item__on_hand__gt=F("stock_item__reserved")
        )
        rows = rows.filter(Exists(sellable) if narrowed.in_stock else ~Exists(sellable))
    return rows


@dataclass(frozen=True, kw_only=True)
class Facets:
    """What a list could be narrowed to, with how many products each choice has."""

    total: int
    price_min: Decimal | None
    price_max: Decimal | None
    categories: list[dict[str, Any]]
    brands: list[dict[str, Any]]


def product_facets(*, narrowed: ProductFilter) -> Facets:
    """Answers the choices within a filter, most frequent first, in three queries."""
    rows = products_matching(narrowed=narrowed).order_by()
    totals = rows.aggregate(total=Count("id"), price_min=Min("price"), price_max=Max("price"))
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


def _with_available(rows: QuerySet[Product]) -> QuerySet[Product]:
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
    """Answers one published product with its category and variants. Raises: NotFound."""
    rows = _with_available(Product.objects.published()).select_related("category")
    product = rows.prefetch_related("variants__stock_item").filter(slug=slug).first()
    if product is None:
        raise NotFound(f"There is no product {slug}.")
    return product


def category_list() -> QuerySet[Category]:
    """Answers all categories, parents before their children."""
    return Category.objects.select_related("parent").order_by("path")
