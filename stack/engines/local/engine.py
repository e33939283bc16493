"""Services as plain processes of this machine, with no container engine at all."""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import Mapping
from pathlib import Path

from stack.engines.local import servers
from stack.engines.local.process import Launch, LocalProcess
from stack.engines.local.runnable import require_runnable
from stack.engines.protocol import Running, Say, Site
from stack.environments import service_environment
from stack.environments.service_environment import ServiceEnvironment
from stack.errors import NotRunnable
from stack.model import Healthcheck, Mount, Service, Stack
from stack.plan.plan import LOOPBACK, Plan, ServicePlan
from stack.records.service_logs import Log
from stack.records.state import make_scratch
from stack.system.directories import cache_home
from stack.system.processes import SERVICE, TOKEN

PASSED_ON = ("HOME", "USER", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""The only variables of the user's own environment that a service sees, as in a container."""


class LocalEngine:
    """Runs services as child processes of the guardian."""

    def __init__(self) -> None:
        self._site: Site | None = None
        self._environments: dict[str, ServiceEnvironment] = {}
        self._running: list[LocalProcess] = []

    def folders(self, stack: Stack, site: Site) -> Mapping[str, Mapping[str, str]]:
        """Return the host folder behind every mount: service -> container path -> host path."""
        return {
            name: {mount.target: str(_folder(service, mount, stack, site)) for mount in service.mounts}
            for name, service in stack.services.items()
        }

    async def prepare(self, plan: Plan, site: Site, say: Say) -> None:
        """Check that every service can run here, and create the folders of its volumes.

        Raises:
            NotRunnable: names every service that cannot.
        """
        require_runnable(plan)
        self._site = site
        make_scratch(site.scratch)
        for service in plan.services.values():
            for mount in service.service.mounts:
                if mount.type != "bind":
                    Path(service.folders[mount.target]).mkdir(parents=True, exist_ok=True)

    async def build(self, plan: ServicePlan, say: Say) -> None:
        """Install what the service needs; a server needs nothing."""
        service = plan.service
        if service.build is None and service.local.command is None:
            servers.runner(service.image or "")  # says at once what it cannot run
            return
        self._environments[plan.name] = await asyncio.to_thread(
            service_environment.sync, service, plan.image, say=say
        )

    async def image_check(self, plan: ServicePlan) -> Healthcheck | None:
        """Return None: an image that is not built here is a server, whose own check is not known."""
        return None

    async def start(self, plan: ServicePlan, log: Log) -> Running:
        """Start the service; its first process is a session leader of its own.

        Raises:
            NotRunnable: there is no such program.
        """
        launch = await asyncio.to_thread(self.launch, plan)
        try:
            process = LocalProcess(plan, launch, log)
        except FileNotFoundError as error:
            raise NotRunnable(
                f"services.{plan.name}: there is no program {launch.argv[0]!r} here ({launch.cwd}).",
                hint="Check its command, give it an x-local command, or use --engine docker.",
            ) from error
        self._running.append(process)
        return process

    async def refresh(self, services: list[str], say: Say) -> None:
        """Take what was saved: a process reads its code when it starts, ``build`` sees a changed lock."""

    async def remove(self, *, volumes: bool) -> None:
        """Nothing is left but folders, which belong to the state."""

    def launch(self, plan: ServicePlan) -> Launch:
        """Return what is executed for a service, having prepared the data that it needs (blocks)."""
        assert self._site is not None
        installed = self._environments.get(plan.name, ServiceEnvironment())
        is_image = not installed.programs and plan.service.build is None and plan.service.image
        if is_image or not plan.argv:
            return self._from_image(plan, self._site)
        environment = environment_of(plan, self._site.token, installed)
        return Launch(argv=_found(plan.argv, environment["PATH"]), environment=environment, cwd=plan.cwd)

    def _from_image(self, plan: ServicePlan, site: Site) -> Launch:
        if plan.service.local.command is not None:
            environment = environment_of(plan, site.token, ServiceEnvironment())
            return Launch(argv=_found(plan.argv, environment["PATH"]), environment=environment, cwd=plan.cwd)
        data = {target: Path(folder) for target, folder in plan.folders.items()}
        state = site.scratch / plan.name
        state.mkdir(parents=True, exist_ok=True)
        port = next(iter(plan.ports.values()))
        made = servers.runner(plan.service.image or "").prepare(
            plan.service, data=data, host=LOOPBACK, port=port, state=state
        )
        environment = {**environment_of(plan, site.token, ServiceEnvironment()), **made.environment}
        return Launch(argv=made.argv, environment=environment, cwd=made.cwd, user=made.user)


def environment_of(plan: ServicePlan, token: str, installed: ServiceEnvironment) -> dict[str, str]:
    """Return all environment variables of a service."""
    base = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    path = os.environ.get("PATH", os.defpath)
    base["PATH"] = os.pathsep.join((*map(str, installed.programs), path))
    if installed.virtualenv:
        base["VIRTUAL_ENV"] = str(installed.virtualenv)
    # Compiled code is kept, but not in the work tree: the second boot imports without compiling.
    compiled = str(cache_home() / "pycache")
    base |= {"PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": compiled, TOKEN: token, SERVICE: plan.name}
    if "/tmp" in plan.folders:
        base["TMPDIR"] = plan.folders["/tmp"]
    return base | dict(plan.environment)


def _found(argv: tuple[str, ...], path: str) -> tuple[str, ...]:
    import shutil

    return (shutil.which(argv[0], path=path) or argv[0], *argv[1:])


def _folder(service: Service, mount: Mount, stack: Stack, site: Site) -> Path:
    if mount.type == "bind":
        return Path(mount.source or "/")
    if mount.type == "volume" and mount.source is not None:
        home = site.scratch if site.ephemeral else site.folder
        return home / "volumes" / stack.volumes.get(mount.source, mount.source)
    target = posixpath.normpath(f"/{mount.target}").strip("/")
    return site.scratch / service.name / (target.replace("/", "-") or "root")
