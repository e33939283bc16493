"""What the shop's promises rest on: each protection, and the tests that fail where it is taken out."""

from __future__ import annotations

from faults.protection import Cut, Protection

KILLS, OUTBOX = "crashes/test_kills.py::", "crashes/test_outbox.py::"
CHECKOUT = (f"{KILLS}test_a_checkout_happens_once_whenever_its_worker_dies",)
PAYMENT = (f"{KILLS}test_a_payment_happens_once_whenever_its_worker_dies",)
MESSAGE = (f"{KILLS}test_a_message_takes_effect_once_whenever_its_worker_dies",)
RELAY = (f"{OUTBOX}test_events_arrive_although_their_relay_is_killed",)
REDIS = (f"{OUTBOX}test_events_arrive_although_redis_is_killed",)
RACES = ("crashes/test_reservations.py::test_what_expires_while_it_is_paid_is_sold_or_released",)
CROWDS = ("crashes/test_crowds.py",)
ORDERS, PAYMENTS, EVENTS = (
    "backend/orders/services.py",
    "backend/payments/services.py",
    "backend/events/services.py",
)
IDEMPOTENCY, STOCK = "backend/core/idempotency.py", "backend/catalog/stock.py"

MARKED = "        OutboxEvent.objects.filter(pk__in=keys).update(relayed_at=timezone.now())\n"
SENT = "        if not _send_batch(batch, into_existing=written):\n            break"
SETTLED = "    payment_settle(reference=message.reference, outcome=message.outcome)\n"
KEPT = "    return _store_message(provider, message)\n"

TABLE = (
    Protection(
        fault="a worker dies while it pays",
        held_by="the provider is asked outside of any transaction",
        cuts=(Cut(file=PAYMENTS, taken="def payment_make(", put="@transaction.atomic\ndef payment_make("),),
        tests=PAYMENT,
    ),
    Protection(
        fault="a payment is asked for again",
        held_by="the second request goes on with the payment of the first",
        cuts=(
            Cut(
                file=PAYMENTS,
                taken="    if earlier:  #",
                put="    if earlier and earlier.state not in OPEN:  #",
            ),
        ),
        tests=PAYMENT,
    ),
    Protection(
        fault="a checkout is sent again",
        held_by="the first answer is kept",
        cuts=(Cut(file=IDEMPOTENCY, taken="    if row is None:", put="    if row is row:"),),
        tests=CHECKOUT,
    ),
    Protection(
        fault="a worker dies between order and answer",
        held_by="both are of one transaction",
        cuts=(Cut(file="backend/orders/api.py", taken="atomic=True", put="atomic=False"),),
        tests=CHECKOUT,
    ),
    Protection(
        fault="a worker dies between order and event",
        held_by="both are of one transaction",
        cuts=(
            Cut(
                file=ORDERS,
                taken='    _record_event(order, "order.placed")',
                put='    transaction.on_commit(lambda: _record_event(order, "order.placed"))',
            ),
        ),
        tests=CHECKOUT,
    ),
    Protection(
        fault="a worker dies while a message takes effect",
        held_by="a message is kept after its effect",
        cuts=(
            Cut(
                file=PAYMENTS,
                taken=SETTLED + KEPT,
                put=KEPT.replace("return", "fresh =") + SETTLED + "    return fresh\n",
            ),
        ),
        tests=MESSAGE,
    ),
    Protection(
        fault="a worker dies before a refund is sent",
        held_by="the worker process sends it again",
        cuts=(Cut(file=PAYMENTS, taken="unsent[:200]", put="unsent[:0]"),),
        tests=(
            f"{KILLS}test_money_goes_back_once_whenever_the_worker_dies",
            f"{KILLS}test_nothing_stays_open_after_all_these_deaths",
        ),
    ),
    Protection(
        fault="a payment succeeds too late",
        held_by="the money goes back",
        cuts=(Cut(file=PAYMENTS, taken="else PaymentState.REFUNDING", put="else PaymentState.DECLINED"),),
        tests=RACES,
    ),
    Protection(
        fault="an order is paid after the worker saw that it is due",
        held_by="its state is looked at again, twice",
        cuts=(
            Cut(file=ORDERS, taken="    if order.state != OrderState.PENDING_PAYMENT:", put="    if False:"),
            Cut(file=ORDERS, taken="    ensure_transition_allowed(order.state, state)\n", put=""),
        ),
        tests=RACES,
    ),
    Protection(
        fault="an order expires while it is paid",
        held_by="the lock of its row",
        cuts=(Cut(file=ORDERS, taken="select_for_update().get(pk=order_id)", put="get(pk=order_id)"),),
        tests=RACES,
    ),
    Protection(
        fault="a relay dies while it sends",
        held_by="events are marked after they were sent",
        cuts=(
            Cut(file=EVENTS, taken=MARKED, put=""),
            Cut(file=EVENTS, taken=SENT, put=f"        keys = [event.pk for event in batch]\n{MARKED}{SENT}"),
        ),
        tests=RELAY,
    ),
    Protection(
        fault="events overtake each other",
        held_by="they are sent in the order of their keys",
        cuts=(Cut(file=EVENTS, taken='.order_by("id")[:BATCH]', put='.order_by("-id")[:BATCH]'),),
        tests=RELAY,
    ),
    Protection(
        fault="Redis comes back empty",
        held_by="the stream is written anew",
        cuts=(Cut(file=EVENTS, taken="        _mark_all_unsent()\n", put=""),),
        tests=REDIS,
    ),
    Protection(
        fault="Gunicorn is reloaded",
        held_by="a worker has time to answer what it has begun",
        cuts=(
            Cut(
                file="backend/gunicorn.conf.py",
                taken='graceful_timeout = env.number("GRACEFUL_TIMEOUT_S", 20, minimum=1)',
                put="graceful_timeout = 0",
            ),
        ),
        tests=("crashes/test_reloads.py",),
    ),
    Protection(
        fault="more buyers than units",
        held_by="stock is reserved on a condition",
        cuts=(Cut(file=STOCK, taken=', on_hand__gte=F("reserved") + wanted)', put=")"),),
        tests=CROWDS,
    ),
    Protection(
        fault="one key is sent many times at once",
        held_by="the lock of the key",
        cuts=(Cut(file=IDEMPOTENCY, taken='try_advisory_lock(f"{scope}:{key}")', put="nullcontext(True)"),),
        tests=CROWDS,
    ),
)
