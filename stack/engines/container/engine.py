"""Services as containers, by the ``docker`` or ``podman`` command and its compose plugin.

Compose resolves the files itself (``compose config``); what is added is the stack's name, its host
ports and, where it is not the main one, names of its own for networks and volumes. Images are tagged
by the content they are made from, so an unchanged service costs no build.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from stack.engines.container import availability, images, podman, resolved_file, resources
from stack.engines.container.container import Container
from stack.engines.container.messages import explain
from stack.engines.protocol import Running, Say, Site
from stack.errors import CommandFailed
from stack.model import Healthcheck, Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.records.service_logs import Log
from stack.system import async_programs, programs, tasks
from stack.system.files import write_atomically

RESOLVED = "compose.json"
"""The resolved file's name. It holds passwords, so it is kept with the state, not in the run's record."""

CALL_LIMIT_S = 120.0
"""How long compose may take for all but builds; it creates every container of a stack in one call."""

CREATE_PATIENCE_S = 5.0
"""How long a creation may take to end before it is given up: the Engine makes a container to the end, too
late to be removed, even where compose has gone."""

CANCEL_GRACE_S = 5.0
"""How long a build or a creation may take to give up by itself."""


class ContainerEngine:
    """Runs services by a container engine's own compose."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._plan: Plan | None = None
        self._site: Site | None = None
        self._created: asyncio.Task[None] | None = None
        self._lived: set[str] = set()

    async def open_networks(self, services: Mapping[str, Service], say: Say) -> bool:
        """Containers have networks of their own; what is published is the engine's matter."""
        return True

    def folders(self, stack: Stack, site: Site) -> Mapping[str, Mapping[str, str]]:
        """Containers have mounts of their own."""
        return {}

    async def unavailable(self, services: Mapping[str, ServicePlan]) -> Mapping[str, str]:
        """Return which images are neither here nor in a registry that answers."""
        tags = {name: plan.service.image for name, plan in services.items() if plan.service.build is None}
        return {
            name: f"The image {tag} is not here, and no registry gives it."
            for name, tag in tags.items()
            if tag and not await self._can_be_had(tag)
        }

    async def prepare(self, plan: Plan, site: Site, say: Say) -> None:
        """Write the resolved compose file of this stack."""
        self._plan, self._site = plan, site
        resolved = json.loads(await self._call(*self._source_options(plan), "config", "--format", "json"))
        arranged = resolved_file.arrange(resolved, plan, rename=plan.name != plan.stack.name)
        if self._program == "podman":
            podman.adapt_for_podman(arranged)
        write_atomically(site.folder / RESOLVED, json.dumps(arranged, indent=1))

    async def build(self, plan: ServicePlan, say: Say) -> None:
        """Make what is missing of the images, then all containers, once for the whole stack."""
        if self._created is None:
            self._created = asyncio.create_task(self._create(say))
        await asyncio.shield(self._created)

    async def image_check(self, plan: ServicePlan) -> Healthcheck | None:
        """Return the health check that a service's image brings; None where it has none."""
        container = resources.container_of(self._name, plan.name)
        image = await self._call("inspect", "--format", "{{.Image}}", container, check=False)
        words = ("image", "inspect", "--format", "{{json .Config.Healthcheck}}", image)
        return images.healthcheck(await self._call(*words, check=False)) if image else None

    async def start(self, plan: ServicePlan, log: Log) -> Running:
        container = resources.container_of(self._name, plan.name)
        since = await self._now() if container in self._lived else None
        self._lived.add(container)
        try:
            await self._call("start", container)
        except CommandFailed as error:
            raise explain(error, service=plan.name) from error
        return Container(self._program, container, log, since=since)

    async def _now(self) -> str:
        """Where the log of a container that lived before goes on; `docker logs` keeps all its lives.

        It is the time of the engine's clock, not the end of the last life: the engine may read the last
        lines after it has noted that end.
        """
        if self._program == "podman":  # its clock is ours
            return datetime.now(UTC).isoformat()
        return await self._call("info", "--format", "{{json .SystemTime}}")

    async def refresh(self, services: list[str], say: Say) -> None:
        """Make the images of what was saved, and containers of them."""
        assert self._plan is not None
        assert self._site is not None
        await self.prepare(self._plan, self._site, say)
        await self._make_images(services, say)
        await self._call(
            *self._resolved_options(), "up", "--no-start", "--no-deps", "--force-recreate", *services
        )
        self._lived -= {resources.container_of(self._name, service) for service in services}

    async def remove(self, *, volumes: bool) -> None:
        """Remove containers and networks, and volumes where asked."""
        await tasks.cancel(self._created)
        if self._site is not None:
            await asyncio.to_thread(resources.remove, self._program, self._name, volumes=volumes)

    async def _create(self, say: Say) -> None:
        assert self._plan is not None
        assert self._site is not None
        resolved = json.loads((self._site.folder / RESOLVED).read_text(encoding="utf-8"))
        await asyncio.to_thread(resources.require_names_free, self._program, resolved)
        await self._make_images(list(self._plan.services), say)
        words = ("up", "--no-start", "--no-build", *self._plan.services)
        made = asyncio.create_task(
            self._call(*self._resolved_options(), *words, timeout_s=programs.BUILD_LIMIT_S)
        )
        try:
            await asyncio.shield(made)
        except CommandFailed as error:
            raise explain(error, missing=await self._missing()) from error
        except asyncio.CancelledError:
            await asyncio.wait({made}, timeout=CREATE_PATIENCE_S)
            raise
        finally:
            await tasks.cancel(made)

    async def _make_images(self, names: list[str], say: Say) -> None:
        """Build those of which no image of the same content is there."""
        assert self._plan is not None
        builds = {name: self._plan.services[name].service.build for name in names}
        missing = [n for n, b in builds.items() if b is not None and not await self._has(images.tag(n, b))]
        if not missing:
            return
        say(f"building {', '.join(missing)}")
        try:
            await self._build(missing)
        except CommandFailed as error:
            raise explain(error, building=missing) from error

    async def _build(self, names: list[str]) -> None:
        """All side by side by compose; one by one by Podman's own builder, which knows cache mounts."""
        if self._program != "podman":
            await self._call(*self._resolved_options(), "build", *names, timeout_s=programs.BUILD_LIMIT_S)
            return
        assert self._plan is not None
        for name in names:
            build = self._plan.services[name].service.build
            assert build is not None
            with tempfile.TemporaryDirectory() as folder:
                dockerfile = images.dockerfile_of(build, Path(folder))
                words = images.build_words(images.tag(name, build), build, dockerfile)
                await self._call(*words, timeout_s=programs.BUILD_LIMIT_S)

    async def _missing(self) -> list[str]:
        """Return the images that are not built by us, and not here."""
        assert self._plan is not None
        pulled = {s.service.image for s in self._plan.services.values() if s.service.build is None}
        return [tag for tag in sorted(filter(None, pulled)) if not await self._has(tag)]

    async def _has(self, tag: str) -> bool:
        return bool(await self._call("image", "inspect", "--format", "{{.Id}}", tag, check=False))

    async def _can_be_had(self, tag: str) -> bool:
        if await self._has(tag):
            return True
        try:
            words = ("manifest", "inspect", tag)
            return bool(await self._call(*words, check=False, timeout_s=availability.ANSWER_LIMIT_S))
        except CommandFailed:  # it did not answer in time
            return False

    def _source_options(self, plan: Plan) -> list[str]:
        words = ["compose", "--profile", "*"]  # which of them are active has been decided
        words += _env_options(plan)
        for file in plan.stack.files:
            words += ["--file", str(file)]
        return words

    def _resolved_options(self) -> list[str]:
        assert self._site is not None
        environment = [] if self._plan is None else _env_options(self._plan)  # secrets are still names in it
        file = str(self._site.folder / RESOLVED)
        return ["compose", *environment, "--project-name", self._name, "--file", file]

    @property
    def _name(self) -> str:
        assert self._site is not None
        return self._site.name

    async def _call(self, *words: str, check: bool = True, timeout_s: float = CALL_LIMIT_S) -> str:
        argv = (self._program, *words)
        if words[0] == "compose":
            argv = (*await asyncio.to_thread(podman.compose, self._program), *words[1:])
        done = await async_programs.run(argv, timeout_s=timeout_s, check=check, grace_s=CANCEL_GRACE_S)
        return "" if done.returncode else done.stdout.strip()


def _env_options(plan: Plan) -> list[str]:
    file = plan.stack.env_file
    return ["--env-file", str(file)] if file is not None and file.is_file() else []
