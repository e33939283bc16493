"""The carts app."""

from django.apps import AppConfig


class CartsConfig(AppConfig):
    """What customers are about to buy."""

    name = "carts"

    def ready(self) -> None:
        """Merge the anonymous cart of a customer who logs in."""
        from accounts.signals import customer_logged_in
        from carts.signals import merge_anonymous_cart

        customer_logged_in.connect(merge_anonymous_cart, dispatch_uid="carts-merge")
