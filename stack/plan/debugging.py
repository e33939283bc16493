"""The plan of a service that runs under a debugger."""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Final

from stack.plan.scripts import SHELLS, is_shell_script
from stack.plan.service_plan import ServicePlan

SCRIPT: Final = """\
at=$0
case ${1##*/} in
python*) python=$1; shift ;;
*) python=python program=$(command -v "$1") || exit 127; shift; set -- "$program" "$@" ;;
esac
exec "$python" -X frozen_modules=off -m debugpy --listen "$at" "$@"
"""
"""Debugpy wants the path of a program that is found on the PATH, for example of gunicorn."""

LAST_COMMAND: Final = re.compile(
    r"(?P<before>(?:.*(?:&&|;|\n))?)\s*(?:exec\s+)?(?P<last>[^&;|<>()`\n]+)", re.DOTALL
)
"""The last one of the commands that a shell is told; the earlier ones prepare it."""

ENDS: Final = frozenset(("done", "fi", "esac", "}"))
"""The words that end a compound command of a shell."""

ONE_PROCESS: Final = {"WEB_CONCURRENCY": "1", "GUNICORN_CMD_ARGS": "--timeout 0"}
"""One worker, which is not killed while it stands at a breakpoint.

The first is read by Gunicorn and Uvicorn (https://docs.gunicorn.org/en/stable/settings.html#workers), the
second by Gunicorn.
"""


def can_debug(plan: ServicePlan) -> bool:
    """Return whether the command of a service shows which Python program it runs."""
    return bool(_with_debugger(plan, "at"))


def debugged(plan: ServicePlan, *, port: int, debugpy: Path) -> ServicePlan:
    """Return the plan of a service of the local engine under debugpy, which listens at ``port``.

    The port is the same inside the service's own network: the debugger tells its clients of it.
    """
    listen = f"{'0.0.0.0' if plan.network == 'own' else '127.0.0.1'}:{port}"
    argv = _with_debugger(plan, listen)
    path = os.pathsep.join(filter(None, (str(debugpy), plan.environment.get("PYTHONPATH", ""))))
    environment = {**plan.environment, **ONE_PROCESS, "PYTHONPATH": path}
    return replace(plan, argv=argv, environment=environment, ports={**plan.ports, port: port})


def _with_debugger(plan: ServicePlan, listen: str) -> tuple[str, ...]:
    """The command with the debugger before its program; empty where the program cannot be seen.

    A shell script runs the words behind it: it ends in ``exec "$@"``.
    """
    argv = plan.argv
    is_shell = bool(argv) and posixpath.basename(argv[0]) in SHELLS
    if is_shell and len(argv) == 3 and argv[1] == "-c":
        text = _with_debugger_in_text(argv[2])
        return (argv[0], "-c", text, listen) if text else ()
    script = 1 if is_shell else 0
    is_path = is_shell or "/" in "".join(argv[:1])
    is_script = is_path and script < len(argv) and is_shell_script(plan.cwd / argv[script])
    before, program = (argv[: script + 1], argv[script + 1 :]) if is_script else ((), argv)
    if not program or (is_shell and not is_script):
        return ()
    return (*before, "sh", "-c", SCRIPT, listen, *program)


def _with_debugger_in_text(text: str) -> str:
    match = LAST_COMMAND.fullmatch(text.strip())
    if match is None:
        return ""
    try:
        words, _ = shlex.split(match["last"]), shlex.split(match["before"])
    except ValueError:  # a quotation reaches over the end of a command
        return ""
    is_command = bool(words) and "=" not in words[0] and words[0] not in ENDS
    return f"{match['before']}set -- {match['last']}\n{SCRIPT}" if is_command else ""
