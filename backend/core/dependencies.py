"""What the backend depends on, and how each part answers right now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

TIMEOUT_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How one dependency answered; `error` is empty when it is up. `latency_ms` is milliseconds."""

    name: str
    required: bool
    latency_ms: float
    error: str = ""

    def body(self) -> dict[str, Any]:
        """Answers the JSON members of this dependency."""
        members: dict[str, Any] = {
            "status": "down" if self.error else "up",
            "required": self.required,
            "latency_ms": self.latency_ms,
        }
        return {**members, "error": self.error} if self.error else members


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The answers of all dependencies, and what follows from them."""

    answers: tuple[Answer, ...]

    @property
    def down(self) -> list[str]:
        """Answers the names of what does not answer."""
        return [answer.name for answer in self.answers if answer.error]

    @property
    def status(self) -> str:
        """Answers `ready`, `degraded` (works, slower) or `unavailable`."""
        if any(answer.error and answer.required for answer in self.answers):
            return "unavailable"
        return "degraded" if self.down else "ready"

    @property
    def http_status(self) -> int:
        """Answers 503 only when the shop cannot work at all."""
        return 503 if self.status == "unavailable" else 200

    def body(self) -> dict[str, Any]:
        """Answers the JSON document."""
        return {
            "status": self.status,
            "service": "backend",
            "down": self.down,
            "dependencies": {answer.name: answer.body() for answer in self.answers},
        }


def readiness() -> Readiness:
    """Asks every dependency that is configured."""
    answers = [_ask("database", True, _ask_database)]
    if settings.REDIS_URL:
        answers.append(_ask("redis", False, _ask_redis))
    return Readiness(answers=tuple(answers))


def _ask(name: str, required: bool, question: Callable[[], None]) -> Answer:
    started = time.perf_counter()
    error = ""
    try:
        question()
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}".splitlines()[0]
    latency_ms = round((time.perf_counter() - started) * 1000, 2)
    return Answer(name=name, required=required, latency_ms=latency_ms, error=error)


def _ask_database() -> None:
    from django.db import connection

    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_redis() -> None:
    import redis

    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None
    )
    try:
        client.ping()
    finally:
        client.close()
