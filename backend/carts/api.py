"""Carts over HTTP. Whose cart is meant is told by a bearer token or by X-Cart-Token."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Router, Status

from carts import services
from carts.access import buyer_of, cart_demanded
from carts.schemas import CartOut, LineIn, QuantityIn, Sku, cart_out
from carts.selectors import cart_view
from core.schemas import problems

router = Router(tags=["carts"])


@router.get("/cart", response={200: CartOut, **problems(401, 404)})
def cart_read(request: HttpRequest):
    """Read the cart with present prices, its total, and what can no longer be had."""
    return cart_out(cart_view(cart=cart_demanded(buyer_of(request))))


@router.post("/cart/lines", response={201: CartOut, **problems(400, 401, 404, 409, 422)})
def cart_line_add(request: HttpRequest, body: LineIn):
    """Add units; without a cart one is made, and its token is in the answer."""
    cart, token = services.cart_open(buyer=buyer_of(request))
    services.cart_line_add(cart=cart, sku=body.sku, quantity=body.quantity)
    return Status(201, cart_out(cart_view(cart=cart), token))


@router.put("/cart/lines/{sku}", response={200: CartOut, **problems(400, 401, 404, 409, 422)})
def cart_line_set(request: HttpRequest, sku: Path[Sku], body: QuantityIn):
    """Make a line hold exactly so many units."""
    cart = cart_demanded(buyer_of(request))
    services.cart_line_set(cart=cart, sku=sku, quantity=body.quantity)
    return cart_out(cart_view(cart=cart))


@router.delete("/cart/lines/{sku}", response={200: CartOut, **problems(401, 404, 422)})
def cart_line_remove(request: HttpRequest, sku: Path[Sku]):
    """Remove a line; one that is not there is no error."""
    cart = cart_demanded(buyer_of(request))
    services.cart_line_set(cart=cart, sku=sku, quantity=0)
    return cart_out(cart_view(cart=cart))
