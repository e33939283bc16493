"""Are both services ready, with all that they depend on? One question before the first test."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from shop import NoAnswerError, Service, address

NOT_READY = 7
"""The exit code of the tests where they did not begin, because a service was not ready."""

PATHS = {"BACKEND_URL": "/health/ready/", "GATEWAY_URL": "/health/ready"}
LIMIT_S, PAUSE_S = 1.0, 0.1
"""A dependency that has just been started may need a moment to be noticed."""


def require_ready() -> None:
    """End the run with NOT_READY unless the services are ready within a second.

    Asked are those whose addresses are given; both, at their usual ones, where none is.
    The reasons also go into ``not-ready`` in the run's folder (STACK_RUN).
    """
    deadline = time.monotonic() + LIMIT_S
    given = [name for name in PATHS if os.environ.get(name)] or [*PATHS]
    while (reasons := [reason for name in given if (reason := why_not_ready(name))]) and (
        time.monotonic() < deadline
    ):
        time.sleep(PAUSE_S)
    if reasons:
        if run := os.environ.get("STACK_RUN"):
            Path(run, "not-ready").write_text("; ".join(reasons), encoding="utf-8")
        pytest.exit(f"not ready: {'; '.join(reasons)}", returncode=NOT_READY)


def why_not_ready(name: str) -> str:
    """Return the reason why the service at the address ``name`` is not ready, "" where it is."""
    label = name.removesuffix("_URL").lower()
    try:
        with Service(url=address(name)) as service:
            response = service.get(PATHS[name])
    except NoAnswerError as error:
        return f"{label}: {error}"
    if down := _down(response):
        return f"{label}: down: {down}"  # also where it works without, and answers 200
    if response.status_code == 200:
        return ""
    return f"{label}: HTTP {response.status_code} {response.text[:200].strip()}"


def _down(response: requests.Response) -> str:
    """Return the dependencies that a readiness names as down, each with its error; "" where it names none."""
    try:
        document = response.json()
        return ", ".join(_with_error(name, document) for name in document["down"])
    except (ValueError, LookupError, TypeError):
        return ""


def _with_error(name: str, document: dict[str, Any]) -> str:
    error = document.get("dependencies", {}).get(name, {}).get("error", "")
    return f"{name} ({error})" if error else name
