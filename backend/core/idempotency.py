"""Requests that take effect once, however often they are sent.

Header and behaviour follow draft-ietf-httpapi-idempotency-key-header: missing 400, same key and other body
422, still in flight 409, same key and body the first response again, byte for byte, for 24 hours.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.advisory import try_advisory_lock
from core.models import IdempotentResponse
from core.problems import Conflict, Problem, Unprocessable, response_to

RETENTION = timedelta(hours=24)
KEY = re.compile(r"[\x21-\x7e]{1,255}")


class KeyMissing(Problem):
    """The request lacks a usable Idempotency-Key."""

    kind = "idempotency-key-missing"


class KeyReused(Unprocessable):
    """The key belongs to a different request."""

    kind = "idempotency-key-reused"


class InFlight(Conflict):
    """The first request with this key has not ended yet."""

    kind = "idempotency-in-flight"


def get_idempotency_key(request: HttpRequest) -> str:
    """Return the request's Idempotency-Key. Raises: KeyMissing."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not KEY.fullmatch(key):
        raise KeyMissing(
            "Send an Idempotency-Key header: 1 to 255 printable characters, new for every purchase."
        )
    return key


def run_once(
    request: HttpRequest, *, owner: str | None, operation: Callable[[], HttpResponse], atomic: bool
) -> HttpResponse:
    """Run the operation for the first request with a key; return its response to every later one.

    `owner` keeps the keys of different callers apart; the response to a caller without one is not stored.
    With `atomic` the response is committed together with what the operation did, so that a crash leaves both
    or neither. Raises: KeyMissing, KeyReused, InFlight.
    """
    key = get_idempotency_key(request)
    if not owner:
        return operation()
    scope = hashlib.sha256(f"{owner} {request.method} {request.path}".encode()).hexdigest()
    # Under the service's key: a body may hold a card, whose number an unkeyed hash would reveal.
    fingerprint = salted_hmac("core.idempotency", request.body, algorithm="sha256").hexdigest()
    with try_advisory_lock(f"{scope}:{key}") as acquired:
        if not acquired:
            raise InFlight("The first request with this Idempotency-Key is still in progress.")
        with transaction.atomic() if atomic else nullcontext():
            stored = _stored_response(scope, key, fingerprint)
            return stored or _run_first(request, scope, key, fingerprint, _with_savepoint(operation, atomic))


def _stored_response(scope: str, key: str, fingerprint: str) -> HttpResponse | None:
    row = IdempotentResponse.objects.filter(scope=scope, key=key).first()
    if row is None:
        return None
    if row.created_at < timezone.now() - RETENTION:
        row.delete()
        return None
    if row.fingerprint != fingerprint:
        raise KeyReused("This Idempotency-Key was used for a request with another body.")
    return HttpResponse(
        bytes(row.body),
        status=row.status,
        content_type=row.content_type,
        headers={"Idempotent-Replayed": "true"},
    )


def _with_savepoint(operation: Callable[[], HttpResponse], atomic: bool) -> Callable[[], HttpResponse]:
    # The savepoint undoes what a refused operation did, while the response that says so is still committed.
    return transaction.atomic(operation) if atomic else operation


def _run_first(
    request: HttpRequest, scope: str, key: str, fingerprint: str, operation: Callable[[], HttpResponse]
) -> HttpResponse:
    try:
        response = operation()
    except Problem as problem:
        response = response_to(request, problem)
    if response.status_code >= 500:  # not of the request's making: the same one may succeed later
        return response
    IdempotentResponse.objects.create(
        scope=scope,
        key=key,
        fingerprint=fingerprint,
        status=response.status_code,
        content_type=response["Content-Type"],
        body=response.content,
    )
    return response
