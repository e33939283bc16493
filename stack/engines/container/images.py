"""The image of a service: its tag, which its content decides, and how it is built."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from stack.engines.container.resources import IMAGE_LABEL
from stack.model import Build, Healthcheck
from stack.system.directories import home_id


def tag(service: str, build: Build) -> str:
    """Return the tag of a service's image: the same content has the same tag."""
    recipe = build.dockerfile_text or build.dockerfile
    digest = hashlib.sha256(f"{build.url}\0{recipe}\0{build.target}\0{sorted(build.args.items())}".encode())
    if not build.url:
        digest.update(b"" if build.dockerfile_text else _content(build.context / build.dockerfile))
        for path in _context_files(build.context):
            digest.update(str(path.relative_to(build.context)).encode() + b"\0" + _content(path))
    return f"ecommerce-{service}:{digest.hexdigest()[:12]}"


def healthcheck(config: str) -> Healthcheck | None:
    """Return the health check in an image's configuration, as ``image inspect`` prints it (JSON).

    Durations are in nanoseconds, 0 for the default (https://docs.docker.com/reference/api/engine/).
    """
    raw = json.loads(config or "null")
    if not raw or raw.get("Test", ["NONE"])[0] not in {"CMD", "CMD-SHELL"}:
        return None
    fields = {"interval_s": "Interval", "timeout_s": "Timeout", "start_period_s": "StartPeriod"}
    values = {name: raw[key] / 1e9 for name, key in fields.items() if raw.get(key)}
    retries = {"retries": raw["Retries"]} if raw.get("Retries") else {}
    return Healthcheck(test=tuple(raw["Test"]), **values, **retries)


def dockerfile_of(build: Build, folder: Path) -> str:
    """Return the Dockerfile of a build; one that the compose file holds is written into ``folder`` first."""
    if build.dockerfile_text:
        file = folder / "Dockerfile"
        file.write_text(build.dockerfile_text, encoding="utf-8")
        return str(file)
    return build.dockerfile if build.url else str(build.context / build.dockerfile)


def build_words(tagged: str, build: Build, dockerfile: str) -> list[str]:
    """Return the words after ``docker`` or ``podman`` that make an image; see ``dockerfile_of``."""
    words = ["build", "--tag", tagged, "--file", dockerfile]
    words += ["--target", build.target] if build.target else []
    words += ["--label", f"{IMAGE_LABEL}={home_id()}"]
    words += [part for key, value in build.args.items() for part in ("--build-arg", f"{key}={value}")]
    return [*words, build.url or str(build.context)]


def _content(path: Path) -> bytes:
    """What of a file may matter to an image: its bytes and whether it is executable, of a link its target."""
    if path.is_symlink():
        return b"link\0" + os.fsencode(path.readlink())
    if not path.is_file():  # a socket, a pipe
        return b""
    return (b"program\0" if os.access(path, os.X_OK) else b"file\0") + path.read_bytes()


def _context_files(context: Path) -> list[Path]:
    """The files that may matter: all but tests, caches and what is hidden (but for .dockerignore)."""
    skipped = {"__pycache__", "tests"}
    found = []
    for folder, folders, files in os.walk(context):
        folders[:] = sorted(name for name in folders if name not in skipped and not name.startswith("."))
        kept = (name for name in files if name == ".dockerignore" or not name.startswith("."))
        found += [Path(folder) / name for name in kept if not name.endswith((".pyc", ".sqlite3"))]
    return sorted(found)
