"""What a case is, and the words in which cases describe their stacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from parity.stage import Stage

Facts = Mapping[str, str]
"""What was seen: a name for each thing that was looked at, and what it was."""

CURL = {
    "test": ["CMD", "curl", "-f", "http://localhost:8000/health"],
    "interval": "1s",
    "timeout": "2s",
    "retries": 3,
    "start_period": "20s",
    "start_interval": "250ms",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A small stack, what is done with it, and what is seen on every engine.

    ``play`` answers the facts; ``expected`` holds what they are unless ``parity.differences`` has a row.
    """

    name: str
    question: str
    compose: str
    play: Callable[[Stage], Facts]
    expected: Facts
    overrides: Mapping[str, str]
    profiles: tuple[str, ...] = ()


def toy(*words: str, check: Mapping[str, Any] | None = CURL, **keys: Any) -> dict[str, Any]:
    """Return a service that runs the toy; ``keys`` are further compose keys of it."""
    argv = ["python3", "/toys/toy.py", *(words or ("serve",))]
    service: dict[str, Any] = {
        "image": "python:3.13-slim",
        "command": argv,
        "x-local": {"command": argv},
        "volumes": ["../toys:/toys:ro", *keys.pop("volumes", ())],
        "stop_grace_period": "5s",
    }
    if not words or words[0] == "serve":
        service["ports"] = ["127.0.0.1::8000"]
        service |= {"healthcheck": dict(check)} if check else {}
    return service | keys


def needs(**conditions: str) -> dict[str, dict[str, str]]:
    """Return a ``depends_on``: service -> healthy, started or completed."""
    words = {
        "healthy": "service_healthy",
        "started": "service_started",
        "completed": "service_completed_successfully",
    }
    return {service: {"condition": words[condition]} for service, condition in conditions.items()}


def described(services: Mapping[str, Any], **keys: Any) -> str:
    """Return a compose file."""
    return yaml.safe_dump({"name": "parity", "services": dict(services), **keys}, sort_keys=False)


CASES: dict[str, Case] = {}


def case(
    name: str,
    question: str,
    *,
    expected: Facts,
    services: Mapping[str, Any],
    overrides: Mapping[str, str] | None = None,
    profiles: tuple[str, ...] = (),
    **keys: Any,
) -> Callable[[Callable[[Stage], Facts]], Callable[[Stage], Facts]]:
    """Register what follows as a case."""

    def register(play: Callable[[Stage], Facts]) -> Callable[[Stage], Facts]:
        CASES[name] = Case(
            name=name,
            question=question,
            compose=described(services, **keys),
            play=play,
            expected=expected,
            overrides=overrides or {},
            profiles=profiles,
        )
        return play

    return register
