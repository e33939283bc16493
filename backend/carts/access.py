"""Whose cart a request means: the bearer token's customer, else the holder of X-Cart-Token."""

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
    """Who buys: a customer, or the holder of a cart's token. `key` tells buyers apart."""

    user: User | None
    token_digest: str

    @property
    def key(self) -> str:
        """Answers text that differs between buyers and says nothing about them."""
        return f"user:{self.user.pk}" if self.user else f"token:{self.token_digest}"


def buyer_of(request: HttpRequest) -> Buyer:
    """Answers who sends the request. Raises: Unauthorized for a bad bearer token."""
    token = request.headers.get("X-Cart-Token", "")
    digest = token_digest(token) if token_is_wellformed(token) else ""
    return Buyer(user=current_user(request), token_digest=digest)


def cart_of(buyer: Buyer) -> Cart | None:
    """Answers the buyer's cart, None where there is none yet."""
    if buyer.user:
        return Cart.objects.filter(user=buyer.user).first()
    return Cart.objects.filter(token_digest=buyer.token_digest).first() if buyer.token_digest else None


def cart_demanded(buyer: Buyer) -> Cart:
    """Answers the buyer's cart. Raises: NotFound."""
    cart = cart_of(buyer)
    if cart is None:
        raise NotFound("There is no cart: add something first, or send its token as X-Cart-Token.")
    return cart


def anonymous_cart(request: HttpRequest) -> Cart | None:
    """Answers the cart of the request's X-Cart-Token alone."""
    token = request.headers.get("X-Cart-Token", "")
    return (
        Cart.objects.filter(token_digest=token_digest(token)).first() if token_is_wellformed(token) else None
    )
