"""Changes of the catalogue."""

from __future__ import annotations

from django.db.models import Min

from catalog.cache import products_changed
from catalog.models import Product


def product_price_follow(*, product: Product) -> None:
    """Makes a product's price that of its cheapest variant; without variants it stays."""
    lowest = product.variants.aggregate(lowest=Min("price"))["lowest"]
    if lowest is not None and lowest != product.price:
        Product.objects.filter(pk=product.pk).update(price=lowest)
        products_changed([product.slug])
