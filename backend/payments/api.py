"""Payments over HTTP."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Header, Path, Router

from carts.access import buyer_of
from core.idempotency import answer_once, key_of
from core.problems import Problem
from core.schemas import problems
from orders.api import json_response
from orders.schemas import OrderNumber, PaymentOut, payment_out
from orders.selectors import order_get
from payments.models import PaymentState
from payments.schemas import PaymentIn, WebhookOut
from payments.services import payment_make, webhook_receive

router = Router(tags=["payments"])


class Declined(Problem):
    """The card was declined; the order can be paid with another one."""

    status, kind = 402, "payment-declined"


@router.post(
    "/orders/{number}/payments",
    response={201: PaymentOut, 202: PaymentOut, **problems(400, 401, 402, 404, 409, 422)},
)
def payment_create(
    request: HttpRequest,
    number: Path[OrderNumber],
    body: PaymentIn,
    idempotency_key: str | None = Header(None, alias="Idempotency-Key"),
):
    """Pay an order: 201 paid, 202 not decided yet (read the order again), 402 declined."""
    buyer = buyer_of(request)

    def pay() -> HttpResponse:
        order = order_get(buyer=buyer, number=number)
        payment = payment_make(order_id=order.pk, card=body.card, request_key=key_of(request))
        if payment.state == PaymentState.DECLINED:
            raise Declined("The card was declined.", reference=payment.reference)
        undecided = payment.state in {PaymentState.STARTED, PaymentState.PENDING}
        return json_response(PaymentOut, payment_out(payment), 202 if undecided else 201)

    return answer_once(request, owner=buyer.key, operation=pay, atomic=False)


@router.post("/payments/webhooks/sandbox", response={200: WebhookOut, **problems(400, 401, 404, 422)})
def webhook_sandbox(request: HttpRequest, signature: str = Header("", alias="X-Sandbox-Signature")):
    """Take a signed message of the sandbox provider; the same one again changes nothing."""
    return {"processed": webhook_receive(provider="sandbox", body=request.body, signature=signature)}
