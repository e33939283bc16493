"""The gateway is a door: what gets in, what is taken of it, and what its backend can make of it."""

from __future__ import annotations

from unprotected.protection import Cut, row

PACKAGE, TESTS = "ai-services/api_gateway/gateway", "ai-services/api_gateway/tests"
BODY, ENDPOINT = f"{PACKAGE}/proxy/body.py", f"{PACKAGE}/proxy/endpoint.py"
HEADERS, UPSTREAM, LOGS = (f"{PACKAGE}/{name}.py" for name in ("proxy/headers", "proxy/upstream", "logs"))
CONNECTION, FORWARDED = f"{PACKAGE}/connections/protocol.py", f"{PACKAGE}/forwarded.py"
SERVER, SHARES = f"{PACKAGE}/server.py", f"{PACKAGE}/proxy/shares.py"
READ_FIRST = """\
            if has_body(scope["headers"]):
                body = await read_body(receive, scope["headers"], deadline_s=settings.body_s, memory=memory)
"""
SLOT_FIRST = """\
            with upstream.slots.open(client_key(scope["client"][0])) as slots:
                slots.take(1)
                if has_body(scope["headers"]):
                    body = await read_body(
                        receive, scope["headers"], deadline_s=settings.body_s, memory=memory
                    )
"""

row(
    "a body is read before a slot is taken",
    Cut(ENDPOINT, READ_FIRST, SLOT_FIRST),
    test=f"{TESTS}/test_bodies.py::test_a_slow_body_takes_no_slot",
)
row(
    "a body of more than 1 MiB is refused by its length",
    Cut(BODY, 'name == b"content-length" and int(value) > LIMIT_BYTES', "False"),
    Cut(BODY, "if len(body) > LIMIT_BYTES:", "if False:"),
    test=f"{TESTS}/test_bodies.py::test_a_client_can_send_the_whole_of_a_large_body_and_read_the_413",
    cases=["length"],
)
row(
    "a body of more than 1 MiB is refused without a length, too",
    Cut(BODY, "if len(body) > LIMIT_BYTES:", "if False:"),
    test=f"{TESTS}/test_bodies.py::test_a_client_can_send_the_whole_of_a_large_body_and_read_the_413",
    cases=["chunks"],
)
row(
    "a body of exactly 1 MiB is accepted",
    Cut(BODY, "if len(body) > LIMIT_BYTES:", "if len(body) >= LIMIT_BYTES:"),
    test=f"{TESTS}/test_bodies.py::test_a_body_of_one_mebibyte_is_forwarded",
)
row(
    "a body has a minimum rate",
    Cut(BODY, "grace_s + len(body) / MINIMUM_RATE", "grace_s + len(body)"),
    test=f"{TESTS}/test_bodies.py::test_each_kibibyte_gives_a_body_another_second",
)
row(
    "a body has a deadline",
    Cut(BODY, "asyncio.timeout(min(grace_s, deadline_s))", "asyncio.timeout(600)"),
    Cut(BODY, "limit.reschedule(started", "(started"),
    test=f"{TESTS}/test_bodies.py::test_a_slow_body_is_a_408",
)
row(
    "a half-sent head is refused after a deadline, an idle connection closed",
    Cut(CONNECTION, "self._loop.call_later(self._head_s, self._on_deadline)", "None"),
    test=f"{TESTS}/test_connections.py::test_a_head_that_does_not_end_is_a_408",
)
row(
    "an idle connection is closed after a deadline",
    Cut(CONNECTION, "        else:\n            self.transport.close()", "        else:\n            pass"),
    test=f"{TESTS}/test_connections.py::test_a_connection_without_a_request_is_closed",
)
row(
    "an endless head is refused while it arrives",
    Cut(SERVER, "h11_max_incomplete_event_size=HEAD_BYTES", "h11_max_incomplete_event_size=10**9"),
    test=f"{TESTS}/test_connections.py::test_a_head_has_a_limit",
    cases=["endless field", "endless target"],
)
row(
    "an upgrade is not forwarded",
    Cut(HEADERS, '        b"upgrade",\n', ""),
    Cut(HEADERS, "HOP_BY_HOP | (connection_options", "HOP_BY_HOP | (set()"),
    test=f"{TESTS}/test_connections.py::test_an_upgrade_is_ignored_and_does_not_change_the_framing",
)
row(
    "a 101 that nobody asked for, or a status outside 200 to 599, is a 502",
    Cut(ENDPOINT, "if 200 <= response.status <= 599:", "if True:"),
    test=f"{TESTS}/test_failures.py::test_a_status_that_is_not_valid_here_is_a_502",
)
row(
    "a chunked body arrives with its length",
    Cut(HEADERS, '        b"content-length",\n        b"expect"', '        b"expect"'),
    Cut(HEADERS, '        b"transfer-encoding",\n', ""),
    test=f"{TESTS}/test_bodies.py::test_a_chunked_body_arrives_as_a_whole_with_its_length",
)
row(
    "the parser's own errors are problems",
    Cut(
        f"{PACKAGE}/connections/transport.py",
        'return not start.startswith(b"HTTP/1.1 100 ")',
        "return False",
    ),
    test=f"{TESTS}/test_transport.py::test_the_error_page_of_uvicorn_is_replaced_and_nothing_else",
    any_case=True,
)
row(
    "a name with an underscore is dropped",
    Cut(HEADERS, ' and b"_" not in name', ""),
    test=f"{TESTS}/test_headers.py::test_a_name_with_an_underscore_is_dropped",
)
row(
    "no proxy is trusted by default, not even loopback",
    Cut(FORWARDED, "if address is None or not _is_trusted(address, trusted):", "if address is None:"),
    test=f"{TESTS}/test_forwarded.py::test_no_proxy_is_trusted_by_default_not_even_loopback",
)
row(
    "the client is the last address that no trusted proxy has",
    Cut(FORWARDED, "        if not _is_trusted(address, trusted):\n            return client\n", ""),
    test=f"{TESTS}/test_forwarded.py::test_the_client_is_the_last_address_that_is_no_trusted_proxy",
    any_case=True,
)
row(
    "variables that only Uvicorn knows change nothing",
    Cut(SERVER, "proxy_headers=False", "proxy_headers=True"),
    Cut(SERVER, "        forwarded_allow_ips=[],\n", ""),
    test=f"{TESTS}/test_forwarded.py::test_variables_of_the_surroundings_change_nothing",
)
row(
    "without Redis the gateway is degraded, not unavailable",
    Cut(f"{PACKAGE}/health/dependencies.py", 'frozenset({"backend"})', 'frozenset({"backend", "redis"})'),
    test=f"{TESTS}/test_health.py::test_without_redis_the_gateway_is_degraded_but_ready",
)
row(
    "questions about readiness at the same moment are one to the backend",
    Cut(f"{PACKAGE}/health/dependencies.py", "if self._running is None or self._running.done():", "if True:"),
    test=f"{TESTS}/test_health.py"
    "::test_questions_at_the_same_moment_are_one_check_and_one_who_leaves_ends_it_for_nobody",
)
row(
    "one client has its share of the slots",
    Cut(SHARES, " or self._taken[client] + amount > self._per_client", ""),
    test=f"{TESTS}/test_bodies.py::test_one_client_gets_its_share_at_most",
)
row(
    "a request keeps its slot while the backend works on it, whoever left",
    Cut(
        ENDPOINT,
        "                async with (\n",
        "                async with (\n                    cancel_on_disconnect(receive),\n",
    ),
    test=f"{TESTS}/test_disconnects.py"
    "::test_a_request_whose_client_left_keeps_its_slot_until_the_backend_responds",
)
row(
    "what finds no slot is a 503 with Retry-After",
    Cut(SHARES, '{"Retry-After": "1"}', "{}"),
    test=f"{TESTS}/test_failures.py::test_more_requests_than_slots_is_a_503",
)
row(
    "PUT and DELETE are never repeated",
    Cut(UPSTREAM, "middlewares=(forbid_retry,)", "middlewares=()"),
    test=f"{TESTS}/test_failures.py::test_an_unsafe_request_is_never_sent_twice",
    any_case=True,
)
row(
    "an unsafe request never uses a connection that may be closing",
    Cut(UPSTREAM, "pooled if method in SAFE_METHODS else single_use", "pooled"),
    test=f"{TESTS}/test_failures.py::test_an_unsafe_request_never_uses_a_pooled_connection",
    any_case=True,
)
row(
    "the query of a URL is logged nowhere",
    Cut(f"{PACKAGE}/middleware.py", '"path": scope["path"],', '"path": str(scope["query_string"]),'),
    test=f"{TESTS}/test_logs.py::test_the_query_of_a_url_is_logged_nowhere",
    any_case=True,
)
row(
    "a query in a message is masked",
    Cut(
        LOGS,
        'return QUERIES.sub(r"\\1***", PASSWORDS.sub(r"\\1***", text))',
        'return PASSWORDS.sub(r"\\1***", text)',
    ),
    test=f"{TESTS}/test_logs.py::test_a_failure_is_told_in_full_to_machines",
)
row(
    "control characters are escaped in a line for people",
    Cut(
        LOGS,
        "lines = [head + escape(redact(record.getMessage()))]",
        "lines = [head + redact(record.getMessage())]",
    ),
    test=f"{TESTS}/test_logs.py::test_a_path_cannot_forge_a_line",
    any_case=True,
)
row(
    "the backend's status is the client's",
    Cut(ENDPOINT, '"status": response.status, "headers"', '"status": 200, "headers"'),
    test=f"{TESTS}/test_pass_through.py::test_the_backend_s_status_is_the_client_s",
    any_case=True,
)
row(
    "a response that never ends is cut off",
    Cut(
        ENDPOINT,
        "limit.reschedule(min(now() + settings.idle_s, end))",
        "limit.reschedule(now() + settings.idle_s)",
    ),
    test=f"{TESTS}/test_relay.py::test_a_response_that_takes_too_long_is_left_incomplete",
    any_case=True,
)
