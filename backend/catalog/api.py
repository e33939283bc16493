"""The catalogue over HTTP."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Query, Router

from catalog import selectors
from catalog.schemas import CategoryListOut, ProductDetailOut, ProductPageOut, ProductQuery, Slug
from core.schemas import problems, refuse_unknown

router = Router(tags=["catalog"])


@router.get("/products", response={200: ProductPageOut, **problems(400, 422)})
def product_list(request: HttpRequest, query: Query[ProductQuery]):
    """List published products: filter, search, sort, and follow `next` from page to page."""
    refuse_unknown(request, ProductQuery)
    narrowed = selectors.ProductFilter(
        **query.dict(include={"search", "category", "brand", "price_min", "price_max", "in_stock"})
    )
    return selectors.product_page(narrowed=narrowed, sort=query.sort, limit=query.limit, cursor=query.cursor)


@router.get("/products/{slug}", response={200: ProductDetailOut, **problems(404, 422)})
def product_detail(request: HttpRequest, slug: Path[Slug]):
    """Read one published product with its variants."""
    return selectors.product_get(slug=slug)


@router.get("/categories", response=CategoryListOut)
def category_list(request: HttpRequest):
    """List the category tree."""
    return {"items": selectors.category_list()}
