"""Accounts: how often a password may be guessed, what a token is good for, what is told to whom."""

from __future__ import annotations

from unprotected.protection import Cut, row

TESTS = "backend/tests"
THROTTLING, BACKENDS = "backend/core/throttling.py", "backend/accounts/backends.py"
SERVICES, POLICIES = "backend/accounts/services.py", "backend/config/policies.py"
TAKE_TURN = "with password_hashing.take():"

TEN_WRONG = f"{TESTS}/test_throttling.py::test_after_ten_wrong_passwords_the_right_one_is_refused_too"

row(
    "logins are limited per account and address",
    Cut(BACKENDS, 'throttle("login-account-address", f"{account} {address}")\n            user', "user"),
    test=TEN_WRONG,
)
row(
    "logins are limited per account",
    Cut(BACKENDS, 'throttle("login-account", account)'),
    test=f"{TESTS}/test_throttling.py::test_an_account_is_limited_whatever_the_address",
)
row(
    "logins are limited per address",
    Cut(BACKENDS, 'throttle("login-address", address)'),
    test=f"{TESTS}/test_throttling.py::test_an_address_is_limited_whatever_the_account",
)
row(
    "registrations of an address are limited",
    Cut("backend/accounts/api.py", 'throttle("register-address", client_key(request.META["REMOTE_ADDR"]))'),
    test=f"{TESTS}/test_throttling.py::test_registrations_of_an_address_are_limited",
)
row(
    "an IPv6 site is one client",
    Cut(THROTTLING, "return str(IPv6Network((parsed, IPV6_SITE_BITS), strict=False))", "return str(parsed)"),
    test=f"{TESTS}/test_throttling.py::test_all_addresses_of_an_ipv6_site_are_one_client",
)
row(
    "the old password on the admin's page counts like a login",
    Cut("backend/accounts/admin.py", 'if request.method == "POST":', 'if request.method == "PUT":'),
    test=f"{TESTS}/test_throttling.py::test_the_old_password_of_the_admin_s_page_counts_like_a_login",
    any_case=True,
)
row(
    "the admin counts logins like the API",
    Cut(
        "backend/config/settings/base.py",
        "accounts.backends.ThrottledBackend",
        "django.contrib.auth.backends.ModelBackend",
    ),
    test=f"{TESTS}/test_throttling.py::test_the_admin_counts_like_the_api",
)
row(
    "workers count together",
    Cut(THROTTLING, "if settings.REDIS_URL and time.monotonic() >= _unavailable_until_s:", "if False:"),
    test=f"{TESTS}/test_throttling.py::test_workers_count_together_through_redis",
)
row(
    "without Redis there is a local limit",
    Cut(THROTTLING, "    return question(_local)", "    return True"),
    test=TEN_WRONG,
    cases=["without Redis", "with a Redis that is gone"],
)
row(
    "one password is hashed at once, and one waits",
    Cut(THROTTLING, '"password-hashing", running=1, waiting=1', '"password-hashing", running=2, waiting=1'),
    test=f"{TESTS}/test_bounds.py::test_one_password_is_hashed_at_once_and_one_waits",
)
row(
    "a password is checked in a slot",
    Cut(BACKENDS, "with password_hashing.take():  # first", "if True:  # first"),
    test=f"{TESTS}/test_throttling.py::test_a_password_is_not_hashed_without_a_slot",
    cases=["/accounts/login"],
)
row(
    "a new password is hashed in a slot",
    Cut(SERVICES, TAKE_TURN, "if True:"),
    test=f"{TESTS}/test_throttling.py::test_a_password_is_not_hashed_without_a_slot",
    cases=["/accounts/register"],
)
row(
    "a 429 tells when to come back",
    Cut(
        THROTTLING,
        '"Retry-After": str(wait_s),\n        "RateLimit-Policy"',
        '"Retry-After": "0",\n        "RateLimit-Policy"',
    ),
    test=TEN_WRONG,
)
row(
    "a 429 has RateLimit fields",
    Cut(THROTTLING, ";r={stats.remaining};t={wait_s}", ""),
    test=TEN_WRONG,
)
row(
    "a password change ends every other token, by deleting and by the digest of the password",
    Cut(SERVICES, "AccessToken.objects.filter(user=user).delete()"),
    Cut("backend/accounts/selectors.py", " or access.password_digest != access.user.password_digest()", ""),
    test=f"{TESTS}/test_accounts.py::test_a_password_change_ends_every_other_token",
)
row(
    "a password that is changed elsewhere ends every token",
    Cut("backend/accounts/selectors.py", " or access.password_digest != access.user.password_digest()", ""),
    test=f"{TESTS}/test_accounts.py::test_a_password_that_is_changed_elsewhere_ends_every_token",
)
row(
    "a password change ends every session",
    Cut(
        "backend/accounts/models.py",
        "    def password_digest(self)",
        '    def get_session_auth_hash(self):\n        return "constant"\n\n    def password_digest(self)',
    ),
    test=f"{TESTS}/test_accounts.py::test_a_password_change_ends_every_session",
)
row(
    "every 401 has WWW-Authenticate",
    Cut(
        "backend/core/problems.py",
        """headers = {"WWW-Authenticate": 'Bearer realm="shop"'}""",
        "headers = {}",
    ),
    test=f"{TESTS}/test_accounts.py::test_every_401_says_how_to_authenticate",
)
row(
    "registration takes as long for an address that has an account",
    Cut(
        SERVICES,
        "    _set_password(user, password, member=",
        "    User.objects.filter(email=user.email) or _set_password(user, password, member=",
    ),
    test=f"{TESTS}/test_accounts.py::test_registration_takes_the_time_of_a_hash_whether_or_not_the_address_exists",
)
row(
    "registration tells nothing but the address that was sent",
    Cut(
        "backend/accounts/api.py",
        'Status(202, {"email": body.email})',
        'Status(202, {"email": body.email.lower()})',
    ),
    test=f"{TESTS}/test_accounts.py::test_registration_does_not_tell_which_addresses_exist",
    cases=["ANN@example.com"],
)
row(
    "a deactivated customer has no access",
    Cut("backend/accounts/selectors.py", ", user__is_active=True", ""),
    test=f"{TESTS}/test_accounts.py::test_a_deactivated_customer_loses_access_at_once",
)
row(
    "what is personal is not stored by caches",
    Cut(POLICIES, 'response["Cache-Control"] = PERSONAL', 'response["Cache-Control"] = PUBLIC'),
    test=f"{TESTS}/test_policies.py::test_only_the_catalogue_may_be_cached",
    any_case=True,
)
row(
    "a personal response varies with the credentials",
    Cut(POLICIES, "patch_vary_headers(response, CREDENTIALS)"),
    test=f"{TESTS}/test_policies.py::test_only_the_catalogue_may_be_cached",
    any_case=True,
)
row(
    "only the catalogue is public",
    Cut(
        POLICIES,
        '("GET", "/cart"): Policy(caller=Caller.BUYER)',
        '("GET", "/cart"): Policy(caller=Caller.BUYER, cache=PUBLIC)',
    ),
    test=f"{TESTS}/test_policies.py::test_what_may_be_cached_is_the_same_for_everybody",
    any_case=True,
)
row(
    "what the table does not call public is personal",
    Cut(POLICIES, "cache: str = PERSONAL", "cache: str = PUBLIC"),
    test=f"{TESTS}/test_policies.py::test_what_may_be_cached_is_the_same_for_everybody",
    any_case=True,
)
row(
    "every endpoint is in the table",
    Cut(POLICIES, '    ("GET", "/orders"): Policy(caller=Caller.BUYER),\n', ""),
    Cut(
        "backend/config/openapi.py",
        "POLICIES[method.upper(), path.removeprefix(PREFIX)]",
        "next(iter(POLICIES.values()))",
    ),
    test=f"{TESTS}/test_policies.py::test_the_table_names_exactly_the_endpoints_of_the_api",
)
row(
    "an error of the catalogue is not cached",
    Cut(POLICIES, " and response.status_code == 200", ""),
    test=f"{TESTS}/test_policies.py::test_an_error_of_the_catalogue_is_not_cached",
)
row(
    "the OpenAPI says who may call",
    Cut(
        "backend/config/openapi.py",
        'operation["security"] = SECURITY[policy.caller]',
        'operation["security"] = []',
    ),
    test=f"{TESTS}/test_policies.py::test_the_openapi_says_who_may_call",
)
row(
    "a generated client knows where credentials are needed",
    Cut(
        "backend/config/openapi.py",
        'operation["security"] = SECURITY[policy.caller]',
        'operation["security"] = []',
    ),
    test=f"{TESTS}/test_generated_client.py::test_a_generated_client_knows_what_needs_credentials",
)
