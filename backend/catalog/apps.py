"""The catalog app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Categories, products, variants, stock."""

    name = "catalog"
