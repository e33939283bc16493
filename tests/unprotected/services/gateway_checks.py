"""Which requests the gateway accepts at all: their heads, fields, methods and targets."""

from __future__ import annotations

from unprotected.protection import Cut, row

PACKAGE, TESTS = "ai-services/api_gateway/gateway", "ai-services/api_gateway/tests"
CHECKS = f"{PACKAGE}/checks.py"

row(
    "a head has at most 64 KiB",
    Cut(CHECKS, "size > HEAD_BYTES or len(headers) > FIELDS", "len(headers) > FIELDS"),
    test=f"{TESTS}/test_checks.py::test_headers",
    any_case=True,
)
row(
    "a head has at most 100 fields",
    Cut(CHECKS, "size > HEAD_BYTES or len(headers) > FIELDS", "size > HEAD_BYTES"),
    test=f"{TESTS}/test_checks.py::test_headers",
    any_case=True,
)
row(
    "a target has at most 64 KiB: 414",
    Cut(CHECKS, "    if len(target) > HEAD_BYTES:\n        return refusal_problem(414)\n", ""),
    test=f"{TESTS}/test_checks.py::test_targets",
    any_case=True,
)
row(
    "CONNECT is a 405",
    Cut(CHECKS, '"DELETE", "OPTIONS"}', '"DELETE", "OPTIONS", "CONNECT"}'),
    test=f"{TESTS}/test_connections.py::test_connect_is_a_405",
)
row(
    "a request has one Host",
    Cut(
        CHECKS,
        "if len(hosts) == 1 and HOST.fullmatch(hosts[0]):",
        "if not hosts or HOST.fullmatch(hosts[0]):",
    ),
    test=f"{TESTS}/test_checks.py::test_a_host_is_needed",
)
row(
    "a field has no control characters",
    Cut(CHECKS, "if any(CONTROL.search(value) for _, value in headers):", "if False:"),
    test=f"{TESTS}/test_pass_through.py::test_what_the_backend_could_not_be_sent_is_a_400",
    any_case=True,
)
row(
    "a request has one Content-Type",
    Cut(CHECKS, 'if sum(name == b"content-type" for name, _ in headers) > 1:', "if False:"),
    test=f"{TESTS}/test_checks.py::test_headers",
    any_case=True,
)
row(
    "the query of a target is checked, too",
    Cut(f"{PACKAGE}/middleware.py", 'return path + b"?" + query if query else path', "return path"),
    test=f"{TESTS}/test_pass_through.py::test_what_the_backend_could_not_be_sent_is_a_400",
    any_case=True,
)
row(
    "Content-Length beside Transfer-Encoding is refused",
    Cut(CHECKS, '{b"content-length", b"transfer-encoding"} <=', '{b"none"} <='),
    test=f"{TESTS}/test_checks.py::test_headers",
    any_case=True,
)
