"""The addresses of pages of profiles: Redis Commander and pgAdmin, signed in, and Prometheus."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import msgspec

from stack.errors import NotUp
from stack.plan.addresses import LOOPBACK
from stack.plan.service_plan import Plan

PROFILE, OBSERVABILITY = "tools", "observability"
VALID_S = 600.0
"""How long a token of Redis Commander may be used, once."""


def redis_ui(plan: Plan, *, clock: Callable[[], float] = time.time) -> str:
    """Return the address that signs in to Redis Commander (its README: "SSO", a JSON Web Token).

    Raises:
        NotUp: the stack has none.
    """
    address, environment = _service(plan, "redis-ui")
    claims = {"iss": environment["SSO_ISSUER"], "sub": plan.name, "exp": int(clock() + VALID_S)}
    token = sign(claims, environment["SSO_JWT_SECRET"])
    return f"{address}/sso?{urlencode({'access_token': token})}"


def pgadmin(plan: Plan) -> str:
    """Return the address that signs in to pgAdmin: with its key, as its desktop program does.

    Raises:
        NotUp: the stack has none.
    """
    address, environment = _service(plan, "pgadmin")
    return f"{address}/?{urlencode({'key': environment['PGADMIN_INT_KEY']})}"


def prometheus(plan: Plan) -> str:
    """Return the address of the shop's console in Prometheus.

    Raises:
        NotUp: the stack has none.
    """
    address, _ = _service(plan, "prometheus", profile=OBSERVABILITY)
    return f"{address}/consoles/shop.html"


def sign(claims: Mapping[str, object], secret: str) -> str:
    """Return a JSON Web Token (RFC 7519) with these claims, signed by HMAC-SHA256."""
    parts = [_encoded(msgspec.json.encode(each)) for each in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.digest(secret.encode(), ".".join(parts).encode(), hashlib.sha256)
    return ".".join((*parts, _encoded(signature)))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _service(plan: Plan, name: str, *, profile: str = PROFILE) -> tuple[str, Mapping[str, str]]:
    """Return the address and the environment of a service that has one port."""
    service = plan.services.get(name)
    if service is None or not service.ports:
        raise missing(plan, name, profile=profile)
    return f"http://{LOOPBACK}:{next(iter(service.ports.values()))}", service.environment


def missing(plan: Plan, name: str, *, profile: str) -> NotUp:
    """Return the error of a page whose service a stack has not: why, or how to get it with all that is up."""
    if name in plan.left_out:
        return NotUp(f"{plan.name} came up without its {name}. {plan.left_out[name]}")
    options = " ".join(f"--profile {each}" for each in dict.fromkeys((*plan.profiles, profile)))
    return NotUp(
        f"{plan.name} is up without its {name}.",
        hint=f"Type `inv down`, then `inv up {options}`: the data stays.",
    )
