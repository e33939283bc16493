"""The catalog app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Categories, products, variants, stock."""

    name = "catalog"

    def ready(self) -> None:
        """Start forgetting what changes."""
        from catalog.signals import connect

        connect()
