"""Services as plain processes of this machine, with no container engine at all."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stack.engines.local import (
    accounts,
    entry,
    granted_files,
    launchers,
    limits,
    network,
    servers,
    views,
    volumes,
    written_files,
)
from stack.engines.local.granted_files import path_of
from stack.engines.local.launch import Launch
from stack.engines.local.network import StackNetwork
from stack.engines.local.process import LocalProcess
from stack.engines.local.runnable import error_of, require_runnable
from stack.engines.local.server_spec import ServerSpec
from stack.engines.local.service_mounts import ServiceMounts
from stack.engines.local.service_variables import environment_of, listens
from stack.engines.local.views import View
from stack.engines.protocol import Running, Say, Site
from stack.environments import service_environment
from stack.environments.service_environment import ServiceEnvironment
from stack.model import Healthcheck, Mount, Service, Stack
from stack.plan import images
from stack.plan.addresses import Addresses
from stack.plan.plan import LOOPBACK, Plan, ServicePlan
from stack.plan.service_plan import base_image, server_arguments
from stack.records import written_copies
from stack.records.service_logs import Log
from stack.records.state import make_scratch
from stack.system.control_groups import ControlGroup
from stack.system.mounts import Mounts


class LocalEngine:
    """Runs services as child processes of the guardian."""

    def __init__(self) -> None:
        self._site: Site | None = None
        self._environments: dict[str, ServiceEnvironment] = {}
        self._running: list[LocalProcess] = []
        self._network: StackNetwork | None = None
        self._groups: dict[str, ControlGroup | None] = {}
        self._addresses: Addresses = {}
        self._mounts: ServiceMounts | None = None

    async def open_networks(self, services: Mapping[str, Service], say: Say) -> bool:
        """Make the bridge between the services' networks, where this machine allows it."""
        try:
            self._network = await network.open_network(services)
        except network.NoNetworks as reason:
            say(f"services share the network of this machine: {reason}; names are rewritten in variables")
        return self._network is not None

    def folders(self, stack: Stack, site: Site) -> Mapping[str, Mapping[str, str]]:
        """Return the host folder behind every mount: service -> container path -> host path."""
        return {
            name: {
                **{grant.target: str(path_of(grant, site.scratch / name)) for grant in service.files},
                **{mount.target: str(_folder(service, mount, stack, site)) for mount in service.mounts},
            }
            for name, service in stack.services.items()
        }

    async def unavailable(self, services: Mapping[str, ServicePlan]) -> Mapping[str, str]:
        """Return why services cannot run here, each in a sentence."""
        errors = {name: error_of(service) for name, service in services.items()}
        return {name: error.message for name, error in errors.items() if error is not None}

    async def prepare(self, plan: Plan, site: Site, say: Say) -> None:
        """Check that every service can run here, and create the folders of its volumes.

        Raises:
            NotRunnable: names every service that cannot.
        """
        require_runnable(plan)
        self._site, self._mounts = site, ServiceMounts(say)
        make_scratch(site.scratch)
        for service in plan.services.values():
            if additions := images.additions(image := service.server_image):
                kind = str(images.server_kind(image)).title()
                say(f"{service.name}: {image} is run as plain {kind}: its {additions} may be missing")
            for sentence in filter(None, (written_files.unseen(service), written_files.unmade(service))):
                say(sentence)
        written_copies.make(site.folder, written_files.copies(plan.services.values()))
        for service in plan.services.values():
            volumes.make_folders(service)
            granted_files.write_files(service.service, site.scratch / service.name)
        if self._network is not None:
            await self._network.connect_services(plan, site.scratch)
        else:
            ports = {name: service.ports.items() for name, service in plan.services.items()}
            self._addresses = {(n, t): (LOOPBACK, p) for n, table in ports.items() for t, p in table}

    async def build(self, plan: ServicePlan, say: Say) -> None:
        """Install what the service needs; a server needs nothing."""
        assert self._site is not None
        service = plan.service
        if (image := plan.runner_image) is not None:
            servers.runner(image)  # says at once what it cannot run
            return
        installed = await asyncio.to_thread(
            service_environment.sync, service, plan.image, self._site.scratch / plan.name, say=say
        )
        programs = await asyncio.to_thread(servers.programs, base_image(service, plan.image))
        self._environments[plan.name] = replace(installed, programs=(*installed.programs, *programs))

    async def image_check(self, plan: ServicePlan) -> Healthcheck | None:
        """Return None: an image that is not built here is a server, whose own check is not known."""
        return None

    async def start(self, plan: ServicePlan, log: Log) -> Running:
        """Start the service; its first process is a session leader of its own.

        Raises:
            NotRunnable: there is no such program, or it cannot be run.
            PortTaken: another program listens at one of its published ports.
        """
        launch = await asyncio.to_thread(self.launch, plan)
        own = self._network.services[plan.name] if self._network is not None else None
        if own is not None:
            own.publish((*plan.ports.items(), *plan.further_ports))
        if plan.name not in self._groups:
            self._groups[plan.name] = limits.group_of(plan.service)
        mounts = await asyncio.to_thread(self._open_mounts, plan, launch)
        process = LocalProcess(plan, launch, log, own, self._groups[plan.name], mounts)
        self._running.append(process)
        return process

    async def refresh(self, services: list[str], say: Say) -> None:
        """Take what was saved: a process reads its code when it starts, ``build`` sees a changed lock."""

    async def remove(self, *, volumes: bool) -> None:
        """Release the networks and the control groups; folders belong to the state."""
        if self._site is not None:
            written_copies.remove(self._site.folder)
        await limits.remove_groups(filter(None, self._groups.values()))
        if self._network is not None:
            self._network.close()
        if self._mounts is not None:
            self._mounts.close()

    def launch(self, plan: ServicePlan) -> Launch:
        """Return what is executed for a service, having prepared the data that it needs (blocks)."""
        assert self._site is not None
        installed = self._environments.get(plan.name, ServiceEnvironment())
        if plan.runs_server:
            return self._from_image(plan, self._site)
        view = view_here(plan, installed, self._site.scratch / plan.name)
        environment = environment_of(plan, self._site.token, installed, view)
        folder = self._site.scratch / plan.name / "launchers"
        argv = launchers.replace_scripts(plan, lambda script: launchers.write_launcher(script, folder))
        argv = entry.resolve(plan.name, argv, path=environment["PATH"], cwd=plan.cwd)
        user = None if view is None else view.account
        return Launch(argv=argv, environment=environment, cwd=plan.cwd, user=user, view=view)

    def _open_mounts(self, plan: ServicePlan, launch: Launch) -> Mounts | None:
        assert self._site is not None
        assert self._mounts is not None
        base = self._network.services[plan.name].namespaces.mounts if self._network is not None else None
        return self._mounts.open(plan, launch.view, scratch=self._site.scratch / plan.name, base=base)

    def _from_image(self, plan: ServicePlan, site: Site) -> Launch:
        data = {**plan.image.files, **{target: Path(folder) for target, folder in plan.folders.items()}}
        state = site.scratch / plan.name
        state.mkdir(parents=True, exist_ok=True)
        host, port = listens(plan)
        spec = ServerSpec(
            service=plan.service,
            arguments=server_arguments(plan.service, plan.image) or (),
            data=data,
            host=host,
            port=port,
            state=state,
        )
        made = servers.runner(plan.runner_image or "", self._addresses).prepare(spec)
        installed = ServiceEnvironment(programs=() if made.programs is None else (made.programs,))
        environment = {**environment_of(plan, site.token, installed), **made.environment}
        environment["PATH"] = accounts.search_path(environment["PATH"], made.user)
        return replace(made, environment=environment)


def view_here(plan: ServicePlan, installed: ServiceEnvironment, scratch: Path) -> View | None:
    """Return what a service is to see where root starts it, None elsewhere; a server needs no view."""
    account = None if plan.runs_server else servers.account_of(plan)
    if account is None:
        return None
    views.give_folders(plan, scratch, account)
    return views.view_of(plan, installed, scratch=scratch, account=account)


def _folder(service: Service, mount: Mount, stack: Stack, site: Site) -> Path:
    if mount.type == "bind":
        return Path(mount.source or "/")
    if mount.type == "volume" and mount.source is not None:
        home = site.scratch if site.ephemeral else site.folder
        return home / "volumes" / stack.volumes.get(mount.source, mount.source) / mount.subpath
    target = posixpath.normpath(f"/{mount.target}").strip("/")
    return site.scratch / service.name / (target.replace("/", "-") or "root")
