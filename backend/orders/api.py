"""Checkout and orders over HTTP. The buyer is known by a bearer token or by X-Cart-Token."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Header, Path, Query, Router

from carts.access import get_buyer
from core.idempotency import run_once
from core.schemas import problems, reject_unknown_parameters
from orders import selectors, services
from orders.schemas import CheckoutIn, OrderNumber, OrderOut, OrderPageOut, OrderQuery, order_out

router = Router(tags=["orders"])


def json_response(schema: type, content: dict, status: int) -> HttpResponse:
    """Return a JSON response whose bytes can be stored and sent again."""
    body = schema.model_validate(content).model_dump_json()
    return HttpResponse(body, status=status, content_type="application/json; charset=utf-8")


@router.post("/checkout", response={201: OrderOut, **problems(400, 401, 404, 409, 422)})
def checkout(
    request: HttpRequest,
    body: CheckoutIn,
    idempotency_key: str | None = Header(None, alias="Idempotency-Key"),
):
    """Turn the cart into an order and reserve its stock. Send an Idempotency-Key: it happens once."""
    buyer = get_buyer(request)

    def place() -> HttpResponse:
        order = services.order_place(buyer=buyer, email=body.email or "")
        return json_response(OrderOut, order_out(order), 201)

    return run_once(request, owner=buyer.key, operation=place, atomic=True)


@router.get("/orders", response={200: OrderPageOut, **problems(400, 401, 422)})
def order_list(request: HttpRequest, query: Query[OrderQuery]):
    """List your own orders, newest first."""
    reject_unknown_parameters(request, OrderQuery)
    page = selectors.order_page(buyer=get_buyer(request), limit=query.limit, cursor=query.cursor)
    return {"items": [order_out(order) for order in page.items], "next": page.next}


@router.get("/orders/{number}", response={200: OrderOut, **problems(401, 404, 422)})
def order_read(request: HttpRequest, number: Path[OrderNumber]):
    """Read one of your own orders."""
    return order_out(selectors.order_get(buyer=get_buyer(request), number=number))


@router.post("/orders/{number}/cancel", response={200: OrderOut, **problems(401, 404, 409, 422)})
def order_cancel(request: HttpRequest, number: Path[OrderNumber]):
    """Cancel an order that was not paid yet, and release its stock."""
    order = selectors.order_get(buyer=get_buyer(request), number=number)
    services.order_cancel(order_id=order.pk)
    return order_out(selectors.order_get(buyer=get_buyer(request), number=number))
