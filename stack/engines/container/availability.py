"""Whether a container engine can be used here, and why not."""

from __future__ import annotations

import re
import shutil

from stack.engines.container import podman
from stack.errors import CommandFailed
from stack.system import programs

ANSWER_LIMIT_S = 10.0
"""How long a daemon may take to say that it is there."""

API_NEEDED = (1, 44)
"""The first Engine API with healthcheck ``start_interval`` (Docker Engine 25)."""


def why_not(program: str) -> str | None:
    """Return why the engine cannot be used here, None where it can."""
    if shutil.which(program) is None:
        return f"There is no {program} command here."
    argv = (program, "version", "--format", "{{.Server.APIVersion}}")
    try:
        version = programs.run(argv, timeout_s=ANSWER_LIMIT_S).stdout.strip()
    except CommandFailed as error:
        return _why_no_answer(program, error)
    if program == "podman":
        return podman.too_old(version) or podman.why_no_compose()
    if program == "docker" and (reason := _too_old(version)):
        return reason
    if not programs.succeeds((program, "compose", "version"), timeout_s=ANSWER_LIMIT_S):
        return f"{program} has no compose plugin (`{program} compose version` fails)."
    return None


def _why_no_answer(program: str, error: CommandFailed) -> str:
    if error.timed_out:
        return f"{program} does not answer within {ANSWER_LIMIT_S:g} s."
    lines = error.output.splitlines()
    why = "you may not use its socket" if "permission denied" in error.output else "no daemon answers"
    return f"{program} cannot be used: {why} ({lines[-1] if lines else 'it printed nothing'})."


def _too_old(version: str) -> str | None:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < API_NEEDED:
        return f"docker is too old: its API is {version}, healthcheck start_interval needs 1.44 (Engine 25)."
    return None
