"""How compose is spoken to Podman, which has none of its own.

Podman >= 4.7 hands ``podman compose`` to a provider. An older one is spoken to by the same provider,
docker-compose, over the socket that ``podman system service`` opens
(https://docs.podman.io/en/latest/markdown/podman-system-service.1.html).
"""

from __future__ import annotations

import functools
import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any

from stack.errors import EngineUnavailable
from stack.system import private_folder, programs

OLDEST = (4, 3)
PROVIDER = "docker-compose"
IDLE_S = 300
"""The service ends by itself when it has had no request for so long."""

START_LIMIT_S = 10.0


def compose(program: str) -> tuple[str, ...]:
    """Return the words that speak compose to a container engine.

    Raises:
        EngineUnavailable: Podman's service does not start.
    """
    return (program, "compose") if program != "podman" else _docker_compose_on_podman()


@functools.cache
def has_compose() -> bool:
    """Return whether this Podman knows the word ``compose`` and finds a provider."""
    return programs.succeeds(["podman", "compose", "version"], timeout_s=START_LIMIT_S)


def why_no_compose() -> str | None:
    """Return why no compose can be spoken to Podman, None where it can."""
    if has_compose() or shutil.which(PROVIDER):
        return None
    return f"podman finds no compose provider (neither `podman compose` nor {PROVIDER} is here)."


def too_old(version: str) -> str | None:
    """Return why a version of Podman is too old, None where it is not."""
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= OLDEST:
        return None
    return f"podman is too old: it is {version}; a compose provider speaks to 4.3 and later."


def adapt_for_podman(resolved: dict[str, Any]) -> None:
    """Rewrite the keys that Podman or its compose would refuse in the form that Podman takes.

    ``start_interval`` needs an API of 1.44, and the checks are ours here. A tmpfs is given to an account by
    ``U``, which means the container's own (podman-run(1), --mount).
    """
    for service in resolved["services"].values():
        service.get("healthcheck", {}).pop("start_interval", None)
        if "tmpfs" in service:
            service["tmpfs"] = [_tmpfs(mount) for mount in service["tmpfs"]]


def _tmpfs(mount: str) -> str:
    target, _, options = mount.partition(":")
    others = [word for word in options.split(",") if word and not word.startswith(("uid=", "gid="))]
    owned = ["U"] if "uid=" in options else []
    return ":".join([target, ",".join(others + owned)]) if others or owned else target


def _docker_compose_on_podman() -> tuple[str, ...]:
    if has_compose():
        return ("podman", "compose")
    path = _socket()
    private_folder.make(path.parent)
    if not _answers(path):
        _serve(path)
    return ("env", f"DOCKER_HOST=unix://{path}", PROVIDER)


def _socket() -> Path:
    folder = Path("/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "/tmp"))
    return folder / "podman" / "podman.sock"


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(path))
        except OSError:
            return False
        return True


def _serve(path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STACK_")}
    programs.spawn(
        ["podman", "system", "service", f"--time={IDLE_S}", f"unix://{path}"],
        env=environment,  # it serves every stack, and belongs to none
        output=programs.DISCARD,
        own_session=True,
    )
    deadline = time.monotonic() + START_LIMIT_S
    while not _answers(path):
        if time.monotonic() > deadline:
            raise EngineUnavailable(
                f"podman's service does not answer on {path} within {START_LIMIT_S:g} s.",
                hint="Try it: `podman system service --time=0`.",
            )
        time.sleep(0.05)
