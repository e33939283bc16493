"""Changes of carts."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from carts.access import Buyer, cart_of
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
    """Answers the buyer's cart, made where there is none; and the token of a new anonymous one."""
    cart = cart_of(buyer)
    if cart is not None:
        return cart, None
    if buyer.user:
        return Cart.objects.get_or_create(user=buyer.user)[0], None
    token = token_make()
    return Cart.objects.create(token_digest=token_digest(token)), token


@transaction.atomic
def cart_line_add(*, cart: Cart, sku: str, quantity: int) -> None:
    """Adds units of a variant. Raises: NotFound, CartFull."""
    _locked(cart)
    variant = _sellable(sku)
    line = CartLine.objects.filter(cart=cart, variant=variant).first()
    _line_store(cart, line, variant, quantity + (line.quantity if line else 0))


@transaction.atomic
def cart_line_set(*, cart: Cart, sku: str, quantity: int) -> None:
    """Makes a line hold exactly so many units; none removes it. Raises: NotFound, CartFull."""
    _locked(cart)
    line = CartLine.objects.filter(cart=cart, variant__sku=sku).first()
    if quantity == 0:
        CartLine.objects.filter(pk=line.pk if line else None).delete()
    else:
        _line_store(cart, line, line.variant if line else _sellable(sku), quantity)


@transaction.atomic
def cart_merge(*, source: Cart, user: User) -> None:
    """Moves an anonymous cart's lines into the customer's cart; what exceeds a limit is dropped."""
    if source.user_id is not None:
        return
    target = _locked(Cart.objects.get_or_create(user=user)[0])
    have = {line.variant_id: line for line in target.lines.all()}
    for line in source.lines.all():
        mine = have.get(line.variant_id)
        if mine:
            mine.quantity = min(MAXIMUM_QUANTITY, mine.quantity + line.quantity)
            mine.save(update_fields=["quantity"])
        elif len(have) < MAXIMUM_LINES:
            have[line.variant_id] = CartLine.objects.create(
                cart=target, variant_id=line.variant_id, quantity=line.quantity
            )
    source.delete()


def _locked(cart: Cart) -> Cart:
    # Two requests that change one cart at once would otherwise both pass its limits.
    locked = Cart.objects.select_for_update().filter(pk=cart.pk).first()
    if locked is None:
        raise NotFound("This cart has ended.")
    return locked


def _sellable(sku: str) -> Variant:
    variant = Variant.objects.filter(sku=sku, product__state=Product.State.PUBLISHED).first()
    if variant is None:
        raise NotFound(f"There is nothing to buy with the SKU {sku}.")
    return variant


def _line_store(cart: Cart, line: CartLine | None, variant: Variant, quantity: int) -> None:
    if quantity > MAXIMUM_QUANTITY:
        raise CartFull(f"A cart holds at most {MAXIMUM_QUANTITY} units of one thing.")
    if line is None and cart.lines.count() >= MAXIMUM_LINES:
        raise CartFull(f"A cart holds at most {MAXIMUM_LINES} different things.")
    CartLine.objects.update_or_create(cart=cart, variant=variant, defaults={"quantity": quantity})
