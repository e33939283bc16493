"""The payments app."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Payments and refunds."""

    name = "payments"
