"""The operations app."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """What runs the shop: its commands, its worker, its seed, and the checks of its books."""

    name = "operations"
