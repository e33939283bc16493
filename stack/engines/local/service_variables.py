"""The environment variables of a local service, and where its server listens."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from stack.engines.local import stand_ins
from stack.engines.local.views import View
from stack.environments.service_environment import ServiceEnvironment
from stack.plan import images
from stack.plan.plan import LOOPBACK, ServicePlan
from stack.system.directories import cache_home
from stack.system.processes import SERVICE, TOKEN

PASSED_ON = ("HOME", "USER", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""The only variables of the user's own environment that a service sees, as in a container."""


def environment_of(
    plan: ServicePlan, token: str, installed: ServiceEnvironment, view: View | None = None
) -> dict[str, str]:
    """Return all environment variables of a service."""
    base = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    path = os.environ.get("PATH", os.defpath)
    folders = [path] if view is None else view.reachable(path)
    own = [stand_ins.RUNNERS, *installed.programs] if installed.virtualenv else installed.programs
    base["PATH"] = os.pathsep.join((*map(str, (*own, stand_ins.STARTERS)), *folders, str(stand_ins.FOLDER)))
    if installed.virtualenv:
        base["VIRTUAL_ENV"] = str(installed.virtualenv)
    # Compiled code is kept, but not in the work tree: the second boot imports without compiling.
    compiled = str(cache_home() / "pycache")
    base |= {"PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": compiled, TOKEN: token, SERVICE: plan.name}
    base |= {} if view is None else view.variables()
    if plan.network == "own":
        base["HOSTNAME"] = socket.gethostname()  # a name of the service in its own /etc/hosts
    if "/tmp" in plan.folders:
        base["TMPDIR"] = plan.folders["/tmp"]
    return base | dict(plan.environment)


def client_variables(plan: ServicePlan, folder: Path) -> dict[str, str]:
    """Return how the clients of a server find it where it runs; ``folder`` is its private one."""
    if images.server_kind(plan.server_image) != "postgres":
        return {}
    from stack.engines.local import postgres

    return postgres.client_variables(folder, listens(plan)[1])


def listens(plan: ServicePlan) -> tuple[str, int]:
    """Return the address at which a server listens."""
    kind = images.server_kind(plan.server_image)
    target = images.PORTS[kind] if kind else 0
    if plan.network == "own":
        return "0.0.0.0", target
    return LOOPBACK, plan.host_port(target) or target
