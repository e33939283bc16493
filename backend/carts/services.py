"""Change of carts."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from carts.access import Buyer, get_cart
from carts.models import Cart, CartLine
from catalog.models import Product, Variant
from core.problems import Conflict, NotFound
from core.tokens import token_digest, token_make

MAXIMUM_LINES = 50
MAXIMUM_QUANTITY = 99


class CartFull(Conflict):
    """The cart would become larger than a cart may be."""

    kind = "cart-full"


def cart_open(*, buyer: Buyer) -> tuple[Cart, str | None]:
    """Return the buyer's cart, made where there is none, and the token of a new anonymous cart."""
    cart = get_cart(buyer)
    if cart is not None:
        return cart, None
    if buyer.user:
        return Cart.objects.get_or_create(user=buyer.user)[0], None
    token = token_make()
    return Cart.objects.create(token_digest=token_digest(token)), token


@transaction.atomic
def cart_open_with(*, buyer: Buyer, sku: str, quantity: int) -> tuple[Cart, str | None]:
    """Add units to the buyer's cart as `cart_open` returns it; a line that is refused makes no cart.

    Raises: NotFound, CartFull.
    """
    cart, token = cart_open(buyer=buyer)
    cart_line_add(cart=cart, sku=sku, quantity=quantity)
    return cart, token


@transaction.atomic
def cart_line_add(*, cart: Cart, sku: str, quantity: int) -> None:
    """Add units of a variant. Raises: NotFound, CartFull."""
    _lock_cart(cart)
    variant = _get_sellable_variant(sku)
    line = CartLine.objects.filter(cart=cart, variant=variant).first()
    _save_line(cart, line, variant, quantity + (line.quantity if line else 0))


@transaction.atomic
def cart_line_set(*, cart: Cart, sku: str, quantity: int) -> None:
    """Set the units of a line; none removes it. Raises: NotFound, CartFull."""
    _lock_cart(cart)
    line = CartLine.objects.filter(cart=cart, variant__sku=sku).first()
    if quantity == 0:
        CartLine.objects.filter(pk=line.pk if line else None).delete()
    else:
        _save_line(cart, line, line.variant if line else _get_sellable_variant(sku), quantity)


@transaction.atomic
def cart_merge(*, source: Cart, user: User) -> None:
    """Move an anonymous cart's lines into the customer's cart; what exceeds a limit is dropped."""
    target = Cart.objects.get_or_create(user=user)[0]
    # Both, in the order of their keys: nothing is added to the source between reading and deleting it.
    carts = Cart.objects.select_for_update().filter(pk__in=[source.pk, target.pk]).order_by("pk")
    if source.user_id is not None:
        return
    list(carts)
    existing = {line.variant_id: line for line in target.lines.all()}
    for line in source.lines.all():
        same = existing.get(line.variant_id)
        if same:
            same.quantity = min(MAXIMUM_QUANTITY, same.quantity + line.quantity)
            same.save(update_fields=["quantity"])
        elif len(existing) < MAXIMUM_LINES:
            existing[line.variant_id] = CartLine.objects.create(
                cart=target, variant_id=line.variant_id, quantity=line.quantity
            )
    source.delete()


def _lock_cart(cart: Cart) -> Cart:
    # Two requests that change one cart at once would otherwise both pass its limits.
    locked = Cart.objects.select_for_update().filter(pk=cart.pk).first()
    if locked is None:
        raise NotFound("This cart does not exist any more.")
    locked.save(update_fields=["updated_at"])  # a cart in use is not purged
    return locked


def _get_sellable_variant(sku: str) -> Variant:
    sold = Product.objects.sold()
    variant = Variant.objects.filter(sku=sku, product__in=sold).first()
    if variant is None:
        raise NotFound(f"No product has the SKU {sku}.")
    return variant


def _save_line(cart: Cart, line: CartLine | None, variant: Variant, quantity: int) -> None:
    if quantity > MAXIMUM_QUANTITY:
        raise CartFull(f"A cart holds at most {MAXIMUM_QUANTITY} units of one product.")
    if line is None and cart.lines.count() >= MAXIMUM_LINES:
        raise CartFull(f"A cart holds at most {MAXIMUM_LINES} different products.")
    CartLine.objects.update_or_create(cart=cart, variant=variant, defaults={"quantity": quantity})
