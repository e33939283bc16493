"""The payments app."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Money that comes in and goes back."""

    name = "payments"
