"""The core app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Health, readiness, problems, preparation."""

    name = "core"
