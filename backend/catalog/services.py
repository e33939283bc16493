"""Change of the catalogue."""

from __future__ import annotations

from django.db.models import Min

from catalog.cache import invalidate_products
from catalog.models import Product


def product_price_update(*, product: Product) -> None:
    """Set a product's price to that of its cheapest variant; without variants it stays."""
    lowest = product.variants.aggregate(lowest=Min("price"))["lowest"]
    if lowest is not None and lowest != product.price:
        Product.objects.filter(pk=product.pk).update(price=lowest)
        invalidate_products([product.slug])
