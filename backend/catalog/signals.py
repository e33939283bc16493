"""Forgetting cached products when something about them is saved one by one (the admin does)."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save

from catalog.cache import products_changed, stock_changed
from catalog.models import Category, Product, StockItem, Variant


def _product_changed(instance: Product, **kwargs: Any) -> None:
    products_changed([instance.slug])


def _variant_changed(instance: Variant, **kwargs: Any) -> None:
    products_changed([instance.product.slug])


def _stock_item_changed(instance: StockItem, **kwargs: Any) -> None:
    stock_changed([instance.pk])


def _category_changed(instance: Category, **kwargs: Any) -> None:
    products_changed(list(instance.products.values_list("slug", flat=True)))


def connect() -> None:
    """Starts listening."""
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
