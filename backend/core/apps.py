"""The core app."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from config.turns import lend_while_asking


class CoreConfig(AppConfig):
    """Health, readiness, problems, preparation."""

    name = "core"

    def ready(self) -> None:
        """From now on whoever asks the database lends its turn meanwhile."""
        connection_created.connect(_lend_turns, dispatch_uid="core-turns")


def _lend_turns(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if lend_while_asking not in connection.execute_wrappers:
        connection.execute_wrappers.append(lend_while_asking)
