"""Boot of one worker of the shop to its first 200, against a bare Django project, turn by turn in one run.

Usage: python benchmarks/shop_boot.py [TURNS]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from shop_tools import ROOT, bare_project, free_port, gunicorn

GOAL = 1.3
BARE = ("--workers", "1", "--worker-class", "gthread", "--threads", "8", "bare.wsgi")


def bare_s(folder: Path) -> float:
    port = free_port()
    with gunicorn(folder, "--bind", f"127.0.0.1:{port}", *BARE, port=port) as seconds:
        return seconds


def shop_s(folder: Path) -> float:
    """As in the CI stack: an empty place for SQLite, a template that an earlier boot has made."""
    port = free_port()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        environment = {
            "DJANGO_SETTINGS_MODULE": "config.settings.ci",
            "DATABASE_URL": f"sqlite:///{place}/shop.sqlite3",
            "TEMPLATE_DIR": str(folder / "templates"),
            "VAULT_DISABLED": "true",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "WEB_CONCURRENCY": "1",
        }
        with gunicorn(ROOT / "backend", "config.wsgi:application", port=port, **environment) as seconds:
            return seconds


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory(prefix="shop-boot-") as temporary:
        folder = Path(temporary)
        (folder / "bare").mkdir()
        project = bare_project(folder / "bare", b"{}")
        bare_s(project), shop_s(folder)  # compiled code and the template are there
        pairs = [(bare_s(project), shop_s(folder)) for _ in range(turns)]
    bare, shop = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"bare Django {bare * 1000:.0f} ms, the shop {shop * 1000:.0f} ms, median of {turns}")
    print(f"ratio {shop / bare:.2f} (goal {GOAL})")


if __name__ == "__main__":
    main()
