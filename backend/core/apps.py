"""The core app."""

from django.apps import AppConfig

from core import metrics


class CoreConfig(AppConfig):
    """Health, readiness, problems, preparation."""

    name = "core"

    def ready(self) -> None:
        """Count connections to the database, where metrics are asked for."""
        metrics.count_database_connections()
