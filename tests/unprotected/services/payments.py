"""Payments: one effect a request, nothing of a card is kept, and money goes back as it came."""

from __future__ import annotations

from unprotected.protection import Cut, row

TESTS = "backend/tests"
IDEMPOTENCY, SERVICES = "backend/core/idempotency.py", "backend/payments/services.py"
REFUNDS, WEBHOOKS = "backend/payments/refunds.py", "backend/payments/webhooks.py"
HMAC = 'salted_hmac("core.idempotency", request.body, algorithm="sha256").hexdigest()'
NO_KEY = "hashlib.sha256(request.body).hexdigest()"

row(
    "a card cannot be computed from the fingerprint of its request",
    Cut(IDEMPOTENCY, HMAC, NO_KEY),
    test=f"{TESTS}/test_payments.py::test_a_card_cannot_be_computed_from_what_is_stored",
)
row(
    "anonymous callers share no scope",
    Cut(IDEMPOTENCY, "    if not owner:\n        return operation()\n", ""),
    test=f"{TESTS}/test_idempotency.py::test_nothing_is_stored_for_a_caller_without_a_name",
)
row(
    "a key belongs to its caller",
    Cut(IDEMPOTENCY, 'f"{owner} {request.method}', 'f"{request.method}'),
    test=f"{TESTS}/test_idempotency.py::test_a_key_belongs_to_its_caller_and_its_path",
    any_case=True,
)
row(
    "a refund by the provider refunds a fulfilled order, too",
    Cut(SERVICES, "(OrderState.PAID, OrderState.FULFILLED) and not", "(OrderState.PAID,) and not"),
    test=f"{TESTS}/test_refunds.py::test_a_refund_by_the_provider_refunds_a_fulfilled_order_too",
)
row(
    "the state machine knows the refund of a fulfilled order",
    Cut(
        "backend/orders/transitions.py",
        "FULFILLED: frozenset({OrderState.REFUNDED})",
        "FULFILLED: frozenset()",
    ),
    test=f"{TESTS}/test_refunds.py::test_a_refund_by_the_provider_refunds_a_fulfilled_order_too",
)
row(
    "a partial refund is announced",
    Cut(
        REFUNDS,
        'event_record(type="refund.succeeded", aggregate=f"order:{payment.order.number}", payload=payload)',
    ),
    test=f"{TESTS}/test_refunds.py::test_a_payment_goes_back_in_parts",
)
row(
    "no more goes back than is left",
    Cut(REFUNDS, "if not 0 < amount <= left:", "if not 0 < amount:"),
    test=f"{TESTS}/test_refunds.py::test_a_refund_is_no_more_than_what_is_left",
    cases=["10.01"],
)
row(
    "a payment of nothing needs no refund",
    Cut(
        REFUNDS,
        "if left := refundable_amount(payment=payment):",
        "if left := refundable_amount(payment=payment) or True:",
    ),
    test=f"{TESTS}/test_refunds.py::test_what_cost_nothing_can_be_given_back",
)
row(
    "two refunds of one name are one",
    Cut(REFUNDS, "    if Refund.objects.filter(reference=reference).exists():", "    if False:"),
    test=f"{TESTS}/test_refunds.py::test_two_refunds_of_one_name_are_one",
)
row(
    "the page of an order stores nothing",
    Cut(
        "backend/orders/admin.py",
        'every field is read-only, and the row may have changed since it was read."""',
        'every field is read-only, and the row may have changed since it was read."""\n        obj.save()',
    ),
    test=f"{TESTS}/test_admin.py::test_who_presses_save_on_an_order_takes_nothing_back",
)
row(
    "parts that leave nothing refund the order",
    Cut(REFUNDS, "if refundable_amount(payment=payment) == 0:", "if False:"),
    test=f"{TESTS}/test_provider_refunds.py::test_parts_that_leave_nothing_refund_the_order",
)
row(
    "the provider hears of a refund",
    Cut(SERVICES, "    refund_send(payment=payment)\n    return Order.objects", "    return Order.objects"),
    test=f"{TESTS}/test_refunds.py::test_a_payment_goes_back_in_parts",
)
row(
    "a webhook in another currency changes nothing",
    Cut(WEBHOOKS, "message.currency != payment.currency or not", "not"),
    test=f"{TESTS}/test_edges.py::test_a_webhook_in_another_currency_changes_nothing",
)
row(
    "a signature from the future is refused",
    Cut("backend/payments/signatures.py", "if abs((time.time()", "if ((time.time()"),
    test=f"{TESTS}/test_bounds.py::test_a_signature_is_valid_for_five_minutes",
    cases=["-301-False"],
)
row(
    "an old signature is refused",
    Cut("backend/payments/signatures.py", "> TOLERANCE_S:", "> 10**9:"),
    test=f"{TESTS}/test_bounds.py::test_a_signature_is_valid_for_five_minutes",
    cases=["-301-False", "301-False"],
)
row(
    "an order is not paid after its reservation ended",
    Cut(SERVICES, "if order.expires_at <= timezone.now():", "if False:"),
    test=f"{TESTS}/test_payments.py::test_an_order_is_not_paid_after_its_reservation_ended",
)
row(
    "production does not start with the sandbox",
    Cut("backend/config/settings/production.py", 'if PAYMENT_PROVIDER == "sandbox":', "if False:"),
    test=f"{TESTS}/test_configuration.py::test_production_refuses_to_start",
    cases=["PAYMENT_PROVIDER-sandbox-PAYMENT_PROVIDER=sandbox moves no money"],
)
row(
    "another provider than the one that is set takes no payment",
    Cut("backend/payments/providers.py", "name != settings.PAYMENT_PROVIDER or name not in", "name not in"),
    test=f"{TESTS}/test_edges.py::test_another_provider_than_the_one_that_is_set_takes_no_payment",
    any_case=True,
)
