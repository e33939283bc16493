"""A case of the comparison, and helpers that describe its stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from parity.toy_stack import ToyStack

Facts = Mapping[str, str]
"""What was observed: name of the fact -> value."""

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
    """A small stack, what is done with it, and what is observed on every engine.

    ``run`` returns the facts; ``expected`` are their values where ``parity.differences`` has no row.
    """

    name: str
    question: str
    compose: str
    run: Callable[[ToyStack], Facts]
    expected: Facts
    overrides: Mapping[str, str]
    profiles: tuple[str, ...] = ()


def toy(*words: str, check: Mapping[str, Any] | None = CURL, **keys: Any) -> dict[str, Any]:
    """Return a compose service that runs the toy; ``keys`` are further compose keys."""
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


def compose_file(services: Mapping[str, Any], **keys: Any) -> str:
    """Return the text of a compose file."""
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
) -> Callable[[Callable[[ToyStack], Facts]], Callable[[ToyStack], Facts]]:
    """Register the decorated function as a case."""

    def register(run: Callable[[ToyStack], Facts]) -> Callable[[ToyStack], Facts]:
        CASES[name] = Case(
            name=name,
            question=question,
            compose=compose_file(services, **keys),
            run=run,
            expected=expected,
            overrides=overrides or {},
            profiles=profiles,
        )
        return run

    return register
