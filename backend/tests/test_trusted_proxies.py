"""X-Forwarded-*: believed from trusted proxies, dropped from everybody else."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse

from config.env import BadEnvironment
from config.trusted_proxies import TrustedProxyMiddleware, networks

TRUSTED = ["10.1.0.0/16", "127.0.0.1", "fd00::/8"]
CLAIMS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example", "X-Forwarded-Port": "443"}


@pytest.fixture
def request_as_seen_by_views(rf, settings):
    """Return a function that gives the request as views see it."""

    def request_from(peer: str, chain: str) -> HttpRequest:
        requests: list[HttpRequest] = []
        settings.TRUSTED_PROXIES = networks(TRUSTED)
        middleware = TrustedProxyMiddleware(lambda request: requests.append(request) or HttpResponse())
        middleware(rf.get("/", REMOTE_ADDR=peer, headers={**CLAIMS, "X-Forwarded-For": chain}))
        return requests[0]

    return request_from


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9, 10.1.9.9", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9, nonsense", "10.1.2.3"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("10.2.0.1", "203.0.113.9", "10.2.0.1"),
        ("127.0.0.2", "203.0.113.9", "127.0.0.2"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(
    request_as_seen_by_views, peer: str, chain: str, client: str
) -> None:
    assert request_as_seen_by_views(peer, chain).META["REMOTE_ADDR"] == client


def test_the_claims_of_an_untrusted_peer_are_dropped(request_as_seen_by_views) -> None:
    assert not [
        name
        for name in request_as_seen_by_views("10.2.0.1", "203.0.113.9").META
        if name.startswith("HTTP_X_FORWARDED")
    ]


def test_a_trusted_proxy_s_claims_stay(request_as_seen_by_views) -> None:
    headers = request_as_seen_by_views("127.0.0.1", "203.0.113.9").headers
    assert {name: headers[name] for name in CLAIMS} == CLAIMS


@pytest.mark.parametrize("word", ["nginx", "*", "10.0.0.1/8"])
def test_a_word_that_is_no_network_is_refused(word: str) -> None:
    with pytest.raises(BadEnvironment, match="TRUSTED_PROXIES"):
        networks(["10.1.0.0/16", word])
