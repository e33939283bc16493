"""What the environment decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dashboard.scraping import Target

TARGET = re.compile(r"(?P<name>[\w.-]+)=(?P<url>http://[\w.-]+:(?P<port>\d{1,5})/[!-~]*)", re.ASCII)


class BadEnvironment(ValueError):
    """A variable has a value that makes no sense."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """``token`` opens the page; ``runs`` is the folder of run records; ``database`` keeps the spans.

    ``stack`` is the name of the stack whose newest run is shown, empty for the newest of all.
    """

    host: str
    port: int
    token: str
    runs: Path
    database: Path
    stack: str = ""
    targets: tuple[Target, ...] = ()
    runs_kept: int = 10
    database_limit_bytes: int = 256 << 20
    queue_limit_bytes: int = 16 << 20


def read(environment: Mapping[str, str]) -> Settings:
    """Return the settings.

    Raises:
        BadEnvironment: a number or an address is none, or there is no token.
    """
    token = environment.get("DASHBOARD_TOKEN", "")
    if len(token) < 8:
        raise BadEnvironment("DASHBOARD_TOKEN must have 8 characters or more: it opens the page.")
    return Settings(
        host=environment.get("HOST", "0.0.0.0"),
        port=_number(environment, "PORT", 4318),
        token=token,
        runs=Path(environment.get("RUNS", "/runs")),
        database=Path(environment.get("DASHBOARD_DATABASE", "/data/dashboard.sqlite3")),
        stack=environment.get("STACK_OWN_NAME", ""),
        targets=_targets(environment.get("METRICS_TARGETS", "")),
    )


def _targets(text: str) -> tuple[Target, ...]:
    return tuple(_target(word) for word in text.split())


def _target(word: str) -> Target:
    match = TARGET.fullmatch(word)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise BadEnvironment(f"METRICS_TARGETS: {word!r} is not like backend=http://backend:9464/metrics.")
    return Target(name=match["name"], url=match["url"])


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise BadEnvironment(f"{name} must be a port from 1 to 65535, not {text!r}.")
    return int(text)
