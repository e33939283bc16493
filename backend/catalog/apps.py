"""The catalog app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Categories, products, variants, stock."""

    name = "catalog"

    def ready(self) -> None:
        """Connect the cache to changes of the catalogue."""
        from catalog.signals import connect

        connect()
