"""The catalogue over HTTP."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Path, Query, Router

from catalog import selectors
from catalog.cache import load_catalogue, load_product
from catalog.middleware import json_bytes_response
from catalog.schemas import (
    CategoryListOut,
    FacetsOut,
    FilterQuery,
    ProductDetailOut,
    ProductPageOut,
    ProductQuery,
    Slug,
)
from core.schemas import problems, reject_unknown_parameters

router = Router(tags=["catalog"])


@router.get("/products", response={200: ProductPageOut, **problems(400, 422)})
def product_list(request: HttpRequest, query: Query[ProductQuery]):
    """List published products: filter, search, sort, and follow `next` from page to page."""
    reject_unknown_parameters(request, ProductQuery)
    return selectors.product_page(
        filters=_product_filter(query), sort=query.sort, limit=query.limit, cursor=query.cursor
    )


@router.get("/facets", response={200: FacetsOut, **problems(422)})
def product_facets(request: HttpRequest, query: Query[FilterQuery]):
    """Count the products for each filter that the list could have."""
    reject_unknown_parameters(request, FilterQuery)
    filters = _product_filter(query)

    def read() -> bytes:
        content = _facets(selectors.product_facets(filters=filters))
        return FacetsOut.model_validate(content).model_dump_json().encode()

    name = hashlib.sha256(repr(filters).encode()).hexdigest()
    return json_bytes_response(load_catalogue(f"facets:{name}", read))


@router.get("/products/{slug}", response={200: ProductDetailOut, **problems(404, 422)})
def product_detail(request: HttpRequest, slug: Path[Slug]):
    """Read one published product with its variants."""

    def read() -> bytes:
        product = selectors.product_get(slug=slug)
        return ProductDetailOut.from_orm(product).model_dump_json().encode()

    return json_bytes_response(load_product(slug, read))


@router.get("/categories", response=CategoryListOut)
def category_list(request: HttpRequest):
    """List the category tree."""
    return {"items": selectors.category_list()}


def _product_filter(query: FilterQuery) -> selectors.ProductFilter:
    return selectors.ProductFilter(**query.dict(include=set(FilterQuery.model_fields)))


def _facets(facets: selectors.Facets) -> dict[str, Any]:
    return {
        "total": facets.total,
        "price_min": _money(facets.price_min),
        "price_max": _money(facets.price_max),
        "categories": [
            {"slug": one["category__slug"], "name": one["category__name"], "count": one["count"]}
            for one in facets.categories
        ],
        "brands": facets.brands,
    }


def _money(amount: Any) -> dict[str, Any] | None:
    return None if amount is None else {"amount": amount, "currency": settings.SHOP_CURRENCY}
