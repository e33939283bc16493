"""What OpenTelemetry takes of a service's start where traces are off: its share of all imports, goal 2%.

What the service's framework imports of it by itself does not count: FastAPI needs OpenTelemetry's API.
Usage: python benchmarks/tracing_boot.py [TURNS]
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field

from shop_tools import ROOT

from stack.environments import virtualenv

GOAL = 0.02


@dataclass(frozen=True, kw_only=True)
class Start:
    """A service's folder, its framework, what its process imports until it answers, and its variables."""

    folder: str
    framework: str
    code: str
    variables: dict[str, str] = field(default_factory=dict)


STARTS = (
    Start(
        folder="backend",
        framework="django",
        code="import config.wsgi, config.api_urls, redis; config.api_urls.warm_up()",
        variables={
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DATABASE_URL": "sqlite:////nowhere/shop.sqlite3",
            "REDIS_URL": "",
            "VAULT_DISABLED": "true",
        },
    ),
    Start(
        folder="ai-services/api_gateway",
        framework="fastapi",
        code="import gateway.__main__, gateway.app, gateway.tracing, uvicorn;"
        " gateway.tracing.start(); import redis.asyncio",
    ),
)


def imports_us(start: Start, code: str) -> dict[str, int]:
    """Return the microseconds of each module that this code imports, without those that it imports itself."""
    folder = ROOT / start.folder
    done = subprocess.run(
        (str(virtualenv.sync(folder).python), "-X", "importtime", "-c", code),
        cwd=folder,
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "", **start.variables},
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line.split("|") for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {name.strip(): int(own.partition(":")[2]) for own, _, name in rows if "[us]" not in own}


def share(start: Start) -> float:
    """Return which part of the time of all imports OpenTelemetry's modules took, without the framework's."""
    its_own = imports_us(start, f"import {start.framework}")
    taken = imports_us(start, start.code)
    counted = [name for name in taken if name.startswith("opentelemetry") and name not in its_own]
    return sum(taken[name] for name in counted) / sum(taken.values())


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for start in STARTS:
        least = min(share(start) for _ in range(turns))
        print(f"{start.folder}: {least:.1%} of its imports are OpenTelemetry's (goal {GOAL:.0%})")


if __name__ == "__main__":
    main()
