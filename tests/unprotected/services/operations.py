"""Rounds, purge, books, secrets and logs: what the shop does by itself."""

from __future__ import annotations

from unprotected.protection import Cut, row

TESTS = "backend/tests"
ROUNDS, PURGE, VAULT = "backend/core/rounds.py", "backend/operations/purge.py", "backend/config/vault.py"
WORKER, ORDERS, INVARIANTS = (
    "backend/operations/worker.py",
    "backend/orders/services.py",
    "backend/operations/invariants.py",
)
BOOKS = {
    "stock_negative": "No stock is negative or reserved beyond what is on hand",
    "stock_not_conserved": "On hand = initial + adjustments - sold",
    "stock_reserved_wrongly": "Reserved = units of pending orders",
    "orders_paid_without_money": "A paid order has one payment that succeeded",
    "money_without_paid_order": "A succeeded payment belongs to a paid order",
    "orders_charged_twice": "No order is charged twice",
    "payments_of_other_amount": "A payment's amount is its order's total",
    "payments_refunded_beyond_amount": "No more goes back than was paid",
    "payments_refunded_in_part_only": "A refunded payment went back in full",
    "orders_with_wrong_total": "An order's total is the sum of its lines",
    "orders_not_announced": "Every order's state is announced in the outbox",
    "responses_naming_nothing": "A stored response names what exists",
}

for function in ("hopeless_rows_do_not_starve_the_next_one", "expiry_reaches_an_order_behind_hopeless_ones"):
    row(
        "rounds back off row by row",
        Cut(ROUNDS, "            postpone(row, now)\n", "            pass\n"),
        test=f"{TESTS}/test_rounds.py::test_{function}",
    )
row(
    "a row waits twice as long after every failure",
    Cut(ROUNDS, "FIRST_PAUSE_S * 2 ** min(row.attempts, 16)", "FIRST_PAUSE_S"),
    test=f"{TESTS}/test_rounds.py::test_a_row_waits_twice_as_long_after_every_failure",
)
row(
    "no row waits longer than the longest pause, whatever the clock did",
    Cut(ROUNDS, "return Q(next_attempt_at__lte=now) | impossible", "return Q(next_attempt_at__lte=now)"),
    test=f"{TESTS}/test_clock.py::test_a_row_waits_no_longer_than_the_longest_pause",
    any_case=True,
)
row(
    "later events of an aggregate wait for the one that was refused",
    Cut(
        "backend/events/relay.py",
        'rows.exclude(aggregate__in=_refused().order_by().values("aggregate"))',
        "rows",
    ),
    test=f"{TESTS}/test_worker.py::test_later_events_of_an_aggregate_wait_for_the_one_that_was_refused",
)
for kind, condition in {
    "anonymous carts": "updated_at__lt=now - CARTS_AFTER",
    "relayed events": "relayed_at__lt=now - EVENTS_AFTER",
    "webhooks": "received_at__lt=now - WEBHOOKS_AFTER",
    "sessions": "expire_date__lt=now",
    "idempotency keys": "created_at__lt=now - RETENTION",
    "access tokens": "expires_at__lt=now)",
}.items():
    row(
        f"purge takes {kind} once they are outdated",
        Cut(PURGE, condition, "pk__in=[])" if condition.endswith(")") else "pk__in=[]"),
        test=f"{TESTS}/test_rounds.py::test_purge_takes_the_outdated_and_no_living_row",
        cases=[kind],
    )
row(
    "purge takes no customer's cart",
    Cut(PURGE, "Cart.objects.filter(user=None, ", "Cart.objects.filter("),
    test=f"{TESTS}/test_rounds.py::test_purge_takes_no_customers_cart_and_no_event_that_waits",
)
row(
    "purge takes no event that waits",
    Cut(PURGE, "OutboxEvent.objects.filter(relayed_at__lt", "OutboxEvent.objects.filter(created_at__lt"),
    test=f"{TESTS}/test_rounds.py::test_purge_takes_no_customers_cart_and_no_event_that_waits",
)
row(
    "a cart in use is not purged",
    Cut(
        "backend/carts/services.py",
        '    locked.save(update_fields=["updated_at"])  # a cart in use is not purged\n',
        "",
    ),
    test=f"{TESTS}/test_rounds.py::test_a_cart_in_use_is_not_purged",
)
row(
    "a cart that is used at this moment is not purged",
    Cut(PURGE, ".select_for_update(skip_locked=True)", ""),
    test=f"{TESTS}/postgres/test_locks.py::test_a_cart_that_is_used_while_it_is_purged_lives_on",
)
row(
    "a row that somebody holds is left for a later round",
    Cut(ROUNDS, "rows.select_for_update(skip_locked=True, no_key=True)", "rows"),
    test=f"{TESTS}/postgres/test_locks.py::test_a_row_that_somebody_holds_keeps_no_other_from_its_turn",
)
row(
    "a statement that takes too long ends no round",
    Cut(ROUNDS, " and not is_timeout(failure)", ""),
    test=f"{TESTS}/postgres/test_locks.py::test_a_row_whose_statement_takes_too_long_waits_for_its_next_turn",
)
row(
    "what grows is purged on a schedule",
    Cut(WORKER, '    Job(name="purge outdated rows", run=purge, every_s=20.0),\n', ""),
    test=f"{TESTS}/test_rounds.py::test_the_worker_deletes_what_is_outdated",
)
row(
    "buyers without an account hold a bounded share",
    Cut(ORDERS, "        if buyer.user is None:\n            _ensure_anonymous_share(order)\n", ""),
    test=f"{TESTS}/test_rounds.py::test_buyers_without_account_hold_a_bounded_share_of_the_stock",
)
row(
    "a reservation expires",
    Cut(ORDERS, "return run_due(_expire_order, due, now=now)", "return 0"),
    test=f"{TESTS}/test_orders.py::test_an_order_expires_once_and_frees_its_stock",
)
row(
    "the worker ends reservations",
    Cut(WORKER, '    Job(name="expire orders", run=orders_expire),\n', ""),
    test=f"{TESTS}/test_worker.py::test_a_round_of_the_shops_own_worker_ends_reservations_and_settles_payments",
)
row(
    "the stream of events has a limit",
    Cut("backend/events/relay.py", "maxlen=settings.EVENT_STREAM_LENGTH", "maxlen=None"),
    test=f"{TESTS}/test_worker.py::test_the_stream_grows_no_longer_than_its_limit",
)
for function, sentence in BOOKS.items():
    row(
        f"a book is broken: {sentence}",
        Cut(
            INVARIANTS,
            f'sentence="{sentence}", violations={function}',
            f'sentence="{sentence}", violations=list',
        ),
        test=f"{TESTS}/test_invariants.py::test_a_broken_book_is_named",
        cases=[sentence],
    )
row(
    "preparation uses the database that Vault names",
    Cut(
        "backend/config/preparation.py",
        'vault.secret("DATABASE_URL", f"sqlite',
        'vault.env.text("DATABASE_URL", f"sqlite',
    ),
    test=f"{TESTS}/test_vault.py::test_preparation_uses_the_database_that_vault_names",
)
row(
    "what Vault does not have is not taken from elsewhere",
    Cut(VAULT, "_secrets().get(name)\n", "_secrets().get(name) or env.text(name, default)\n"),
    test=f"{TESTS}/test_vault.py::test_what_vault_does_not_have_is_not_taken_from_elsewhere",
)
for function in ("refused_token", "sealed_vault"):
    row(
        "why Vault gives no secrets is said",
        Cut(VAULT, "({type(failure).__name__}: {_first_line(failure)})", ""),
        test=f"{TESTS}/test_vault.py::test_a_{function}_is_reported",
    )
row(
    "the token of Vault is not told",
    Cut(VAULT, "({type(failure).__name__}: {_first_line(failure)})", "{_token()}"),
    test=f"{TESTS}/test_vault.py::test_an_unreachable_vault_is_reported_without_the_token",
)
row(
    "a token that expires while the shop serves is reported",
    Cut(VAULT, '    token = tokens.lookup_self()["data"]\n', '    token = {"ttl": 1}\n'),
    test=f"{TESTS}/test_vault.py::test_a_token_that_expires_while_the_shop_serves_is_reported_and_the_secrets_stay",
)
row(
    "the token of Vault is renewed",
    Cut(VAULT, "    tokens.renew_self()\n", ""),
    test=f"{TESTS}/test_vault.py::test_the_token_is_renewed_in_the_second_half_of_its_life",
)
row(
    "production describes its API only when told to",
    Cut("backend/config/settings/production.py", 'env.flag("API_DOCS", False)', 'env.flag("API_DOCS", True)'),
    test=f"{TESTS}/test_configuration.py::test_production_describes_its_api_only_when_told_to",
    any_case=True,
)
row(
    "without Redis the backend is degraded, not unavailable",
    Cut(
        "backend/core/dependencies.py",
        '_check("redis", False, _check_redis)',
        '_check("redis", True, _check_redis)',
    ),
    test=f"{TESTS}/test_health.py::test_redis_down_is_degraded_not_dead",
)
row(
    "X-Forwarded-* of who is no trusted proxy is dropped",
    Cut("backend/config/trusted_proxies.py", 'request.META.pop(f"HTTP_X_FORWARDED_{name}", None)'),
    test=f"{TESTS}/test_trusted_proxies.py::test_the_claims_of_an_untrusted_peer_are_dropped",
)
row(
    "the client is the last address that no trusted proxy has",
    Cut(
        "backend/config/trusted_proxies.py",
        "            if not self._is_trusted(address):\n                return client\n",
        "",
    ),
    test=f"{TESTS}/test_trusted_proxies.py::test_the_client_is_the_last_address_that_is_no_trusted_proxy",
    any_case=True,
)
row(
    "control characters are escaped in a line for people",
    Cut(
        "backend/config/logs.py",
        "[head + escape(redact(record.getMessage()))]",
        "[head + redact(record.getMessage())]",
    ),
    test=f"{TESTS}/test_log_lines.py::test_a_message_is_one_printable_line",
    any_case=True,
)
row(
    "the query of a URL is masked",
    Cut("backend/config/logs.py", 'return QUERIES.sub(r"\\1***", SECRETS.sub', "return (SECRETS.sub"),
    test=f"{TESTS}/test_log_lines.py::test_the_query_of_a_url_is_replaced",
    any_case=True,
)
