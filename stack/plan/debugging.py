"""The plan of a service that runs under a debugger."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from stack.plan.service_plan import ServicePlan

PYTHON: Final = re.compile(r"python(\d(\.\d+)?)?")
SCRIPT: Final = (
    'at=$0; program=$(command -v "$1") || exit 127; shift; '
    'exec python -X frozen_modules=off -m debugpy --listen "$at" "$program" "$@"'
)
"""Debugpy wants the path of a program that is found on the PATH, for example of gunicorn."""

ONE_PROCESS: Final = {"WEB_CONCURRENCY": "1", "GUNICORN_CMD_ARGS": "--timeout 0"}
"""One worker, which is not killed while it stands at a breakpoint.

The first is read by Gunicorn and Uvicorn (https://docs.gunicorn.org/en/stable/settings.html#workers), the
second by Gunicorn.
"""


def debugged(plan: ServicePlan, *, port: int, debugpy: Path) -> ServicePlan:
    """Return the plan of a service of the local engine under debugpy, which listens at ``port``.

    The port is the same inside the service's own network: the debugger tells its clients of it.
    """
    listen = f"{'0.0.0.0' if plan.network == 'own' else '127.0.0.1'}:{port}"
    first, *rest = plan.argv
    if PYTHON.fullmatch(posixpath.basename(first)):
        argv = (first, "-X", "frozen_modules=off", "-m", "debugpy", "--listen", listen, *rest)
    else:
        argv = ("sh", "-c", SCRIPT, listen, first, *rest)
    path = os.pathsep.join(filter(None, (str(debugpy), plan.environment.get("PYTHONPATH", ""))))
    environment = {**plan.environment, **ONE_PROCESS, "PYTHONPATH": path}
    return replace(plan, argv=argv, environment=environment, ports={**plan.ports, port: port})
