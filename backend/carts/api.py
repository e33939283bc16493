"""Carts over HTTP. The buyer is known by a bearer token or by X-Cart-Token."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Router, Status

from carts import services
from carts.access import get_buyer, get_cart_or_404
from carts.schemas import CartOut, LineIn, QuantityIn, Sku, cart_out
from carts.selectors import cart_view
from core.schemas import problems

router = Router(tags=["carts"])


@router.get("/cart", response={200: CartOut, **problems(401, 404)})
def cart_read(request: HttpRequest):
    """Read the cart with current prices, its total, and which lines are not available."""
    return cart_out(cart_view(cart=get_cart_or_404(get_buyer(request))))


@router.post("/cart/lines", response={201: CartOut, **problems(400, 401, 404, 409, 422)})
def cart_line_add(request: HttpRequest, body: LineIn):
    """Add units; without a cart one is made, and the response holds its token."""
    cart, token = services.cart_open_with(buyer=get_buyer(request), sku=body.sku, quantity=body.quantity)
    return Status(201, cart_out(cart_view(cart=cart), token))


@router.put("/cart/lines/{sku}", response={200: CartOut, **problems(400, 401, 404, 409, 422)})
def cart_line_set(request: HttpRequest, sku: Path[Sku], body: QuantityIn):
    """Set the units of a line."""
    cart = get_cart_or_404(get_buyer(request))
    services.cart_line_set(cart=cart, sku=sku, quantity=body.quantity)
    return cart_out(cart_view(cart=cart))


@router.delete("/cart/lines/{sku}", response={200: CartOut, **problems(401, 404, 422)})
def cart_line_remove(request: HttpRequest, sku: Path[Sku]):
    """Remove a line; an unknown one is no error."""
    cart = get_cart_or_404(get_buyer(request))
    services.cart_line_set(cart=cart, sku=sku, quantity=0)
    return cart_out(cart_view(cart=cart))
