"""The carts app."""

from django.apps import AppConfig


class CartsConfig(AppConfig):
    """What customers mean to buy."""

    name = "carts"
