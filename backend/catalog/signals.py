"""Invalidate cached products when a row of theirs is saved one by one, as the admin does.

A row that moves to another address, or to another product, changes what is cached under the one before.
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save, pre_save

from catalog.cache import invalidate_catalogue, invalidate_products, invalidate_stock
from catalog.models import Category, Product, StockItem, Variant
from catalog.services import category_search_update


def _note_product(instance: Product, **kwargs: Any) -> None:
    rows = Product.objects.filter(pk=instance.pk)
    instance.earlier_slugs = tuple(rows.values_list("slug", flat=True))


def _note_variant(instance: Variant, **kwargs: Any) -> None:
    rows = Variant.objects.filter(pk=instance.pk)
    instance.earlier_slugs = tuple(rows.values_list("product__slug", flat=True))


def _product_changed(instance: Product, **kwargs: Any) -> None:
    invalidate_products([instance.slug, *instance.earlier_slugs])


def _variant_changed(instance: Variant, **kwargs: Any) -> None:
    invalidate_products([instance.product.slug, *instance.earlier_slugs])


def _stock_item_changed(instance: StockItem, **kwargs: Any) -> None:
    invalidate_stock([instance.pk])


def _category_changed(instance: Category, **kwargs: Any) -> None:
    category_search_update(category=instance)
    invalidate_catalogue()
    invalidate_products(list(instance.products.values_list("slug", flat=True)))


def connect() -> None:
    """Connect the receivers."""
    pre_save.connect(_note_product, sender=Product, dispatch_uid="catalog-cache-product")
    pre_save.connect(_note_variant, sender=Variant, dispatch_uid="catalog-cache-variant")
    for sender, receiver in (
        (Product, _product_changed),
        (Variant, _variant_changed),
        (StockItem, _stock_item_changed),
        (Category, _category_changed),
    ):
        for signal in (post_save, post_delete):
            signal.connect(
                receiver, sender=sender, dispatch_uid=f"catalog-cache-{sender.__name__}-{id(signal)}"
            )
