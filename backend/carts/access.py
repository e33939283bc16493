"""Whose cart a request is about: the bearer token's customer, else the holder of X-Cart-Token."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from accounts.auth import current_user
from accounts.models import User
from carts.models import Cart
from core.problems import NotFound
from core.tokens import token_digest, token_is_wellformed


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """A customer, or the holder of a cart's token. `key` differs between buyers."""

    user: User | None
    token_digest: str

    @property
    def key(self) -> str | None:
        """Return text that differs between buyers, None for a buyer without account and token."""
        if self.user:
            return f"user:{self.user.pk}"
        return f"token:{self.token_digest}" if self.token_digest else None


def get_buyer(request: HttpRequest) -> Buyer:
    """Return the buyer who sends the request. Raises: Unauthorized for a bad bearer token."""
    token = request.headers.get("X-Cart-Token", "")
    digest = token_digest(token) if token_is_wellformed(token) else ""
    return Buyer(user=current_user(request), token_digest=digest)


def get_cart(buyer: Buyer) -> Cart | None:
    """Return the buyer's cart, None where there is none yet."""
    if buyer.user:
        return Cart.objects.filter(user=buyer.user).first()
    return Cart.objects.filter(token_digest=buyer.token_digest).first() if buyer.token_digest else None


def get_cart_or_404(buyer: Buyer) -> Cart:
    """Return the buyer's cart. Raises: NotFound."""
    cart = get_cart(buyer)
    if cart is None:
        raise NotFound("There is no cart: add a product first, or send its token as X-Cart-Token.")
    return cart


def get_anonymous_cart(request: HttpRequest) -> Cart | None:
    """Return the cart of the request's X-Cart-Token alone."""
    token = request.headers.get("X-Cart-Token", "")
    return (
        Cart.objects.filter(token_digest=token_digest(token)).first() if token_is_wellformed(token) else None
    )
