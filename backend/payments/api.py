"""Payments over HTTP."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Header, Path, Router

from carts.access import get_buyer
from core.idempotency import get_idempotency_key, run_once
from core.problems import Problem
from core.schemas import problems
from orders.api import json_response
from orders.schemas import OrderNumber, OrderOut, PaymentOut, order_out, payment_out
from orders.selectors import order_get
from payments.models import PaymentState
from payments.schemas import PaymentIn, WebhookOut
from payments.services import order_refund, payment_make
from payments.webhooks import webhook_receive

router = Router(tags=["payments"])


class Declined(Problem):
    """The card was declined; the order can be paid with another one."""

    status, kind = 402, "payment-declined"


@router.post(
    "/orders/{number}/payments",
    response={201: PaymentOut, 202: PaymentOut, **problems(400, 401, 402, 404, 409, 422, 503)},
)
def payment_create(
    request: HttpRequest,
    number: Path[OrderNumber],
    body: PaymentIn,
    idempotency_key: str | None = Header(None, alias="Idempotency-Key"),
):
    """Pay an order: 201 paid, 202 not decided yet (read the order again), 402 declined."""
    buyer = get_buyer(request)

    def pay() -> HttpResponse:
        order = order_get(buyer=buyer, number=number)
        payment = payment_make(order_id=order.pk, card=body.card, request_key=get_idempotency_key(request))
        if payment.state == PaymentState.DECLINED:
            raise Declined("The card was declined.", reference=payment.reference)
        undecided = payment.state in {PaymentState.STARTED, PaymentState.PENDING}
        return json_response(PaymentOut, payment_out(payment), 202 if undecided else 201)

    return run_once(request, owner=buyer.key, operation=pay, atomic=False)


@router.post(
    "/orders/{number}/refund", tags=["orders"], response={200: OrderOut, **problems(401, 404, 409, 422, 503)}
)
def order_refund_request(request: HttpRequest, number: Path[OrderNumber]):
    """Refund an order whose goods were not handed over; the money goes back to the card."""
    order = order_get(buyer=get_buyer(request), number=number)
    order_refund(order_id=order.pk, by_customer=True)
    return order_out(order_get(buyer=get_buyer(request), number=number))


@router.post(
    "/payments/webhooks/sandbox", response={200: WebhookOut, **problems(400, 401, 404, 409, 422, 503)}
)
def webhook_sandbox(request: HttpRequest, signature: str = Header("", alias="X-Sandbox-Signature")):
    """Receive a signed webhook of the sandbox provider; the same one again changes nothing."""
    return {"processed": webhook_receive(provider="sandbox", body=request.body, signature=signature)}
