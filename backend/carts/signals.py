"""The anonymous cart becomes the customer's at login."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from carts.access import get_anonymous_cart
from carts.services import cart_merge


def merge_anonymous_cart(*, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Merge the cart of the request's X-Cart-Token into the customer's."""
    cart = get_anonymous_cart(request)
    if cart is not None:
        cart_merge(source=cart, user=user)
