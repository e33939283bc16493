"""Change of the catalogue."""

from __future__ import annotations

from django.db.models import Min

from catalog.cache import invalidate_products
from catalog.models import Category, Product
from catalog.search import build_search_text


def product_price_update(*, product: Product) -> None:
    """Set a product's price to that of its cheapest variant; without variants it stays."""
    lowest = product.variants.aggregate(lowest=Min("price"))["lowest"]
    if lowest is not None and lowest != product.price:
        Product.objects.filter(pk=product.pk).update(price=lowest)
        invalidate_products([product.slug])


def product_search_text(*, product: Product) -> str:
    """Return the text that search finds a product by."""
    return build_search_text(
        name=product.name,
        brand=product.brand,
        category=product.category.name,
        description=product.description,
    )


def category_search_update(*, category: Category) -> None:
    """Update the search texts of a category's products, which hold its name."""
    changed = []
    for product in category.products.select_related("category").iterator(chunk_size=1000):
        text = product_search_text(product=product)
        if text != product.search_text:
            product.search_text = text
            changed.append(product)
    Product.objects.bulk_update(changed, ["search_text"], batch_size=500)
