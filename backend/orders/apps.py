"""The orders app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """What customers bought, and the stock it holds."""

    name = "orders"
