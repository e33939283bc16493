"""Services as plain processes of this machine, with no container engine at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import commands, environments, images, kernel
from stack.engines import Exit, Running, Say, Site
from stack.errors import NotRunnable
from stack.logs import Log
from stack.model import Mount, Service, Stack
from stack.places import cache_home
from stack.plan import LOOPBACK, Plan, ServicePlan
from stack.processes import SERVICE, TOKEN, host_pid

PASSED_ON = ("HOME", "USER", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""The only variables of the user's own environment that a service sees, as in a container."""

BUSY_S = 0.01
"""How long lines are let gather: a wake-up for each would cost a talkative service a third of its speed."""
MUCH_BYTES = 1 << 15
"""So much at once is a flood, which is read without a pause."""

DRAIN_S = 0.2
"""How long output is still read after a process has ended: a descendant may hold its pipe."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What is executed for one service."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path
    user: str | None = None


class LocalEngine:
    """Runs services as child processes of the guardian."""

    def __init__(self) -> None:
        self._site: Site | None = None
        self._bins: dict[str, Path] = {}
        self._running: list[LocalProcess] = []

    def folders(self, stack: Stack, site: Site) -> Mapping[str, Mapping[str, str]]:
        """Answer the host folder behind every mount: service -> container path -> host path."""
        return {
            name: {mount.target: str(_folder(service, mount, stack, site)) for mount in service.mounts}
            for name, service in stack.services.items()
        }

    async def prepare(self, plan: Plan, site: Site, say: Say) -> None:
        self._site = site
        site.scratch.mkdir(parents=True, exist_ok=True)
        for service in plan.services.values():
            for mount in service.service.mounts:
                if mount.type != "bind":
                    Path(service.folders[mount.target]).mkdir(parents=True, exist_ok=True)

    async def build(self, plan: ServicePlan, say: Say) -> None:
        """Make the service's environment from its lock; an image's runner has nothing to make."""
        service = plan.service
        if service.build is None and service.local.command is None:
            images.runner(service.image or "")  # says at once what it cannot run
            return
        project = service.build.context if service.build is not None else service.local.working_dir
        if project is not None and (project / "requirements.txt").exists():
            made = await asyncio.to_thread(environments.sync, project, python=service.local.python, say=say)
            self._bins[plan.name] = made.bin

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
        """Answer what is executed for a service, having prepared the data that it needs (blocks)."""
        assert self._site is not None
        if plan.argv and plan.name not in self._bins and plan.service.build is None and plan.service.image:
            return self._from_image(plan, self._site)
        bins = self._bins.get(plan.name)
        if not plan.argv:
            return self._from_image(plan, self._site)
        environment = service_environment(plan, self._site.token, bins)
        return Launch(argv=_found(plan.argv, environment["PATH"]), environment=environment, cwd=plan.cwd)

    def _from_image(self, plan: ServicePlan, site: Site) -> Launch:
        if plan.service.local.command is not None:
            environment = service_environment(plan, site.token, None)
            return Launch(argv=_found(plan.argv, environment["PATH"]), environment=environment, cwd=plan.cwd)
        data = {target: Path(folder) for target, folder in plan.folders.items()}
        state = site.scratch / plan.name
        state.mkdir(parents=True, exist_ok=True)
        port = next(iter(plan.ports.values()))
        made = images.runner(plan.service.image or "").prepare(
            plan.service, data=data, host=LOOPBACK, port=port, state=state
        )
        environment = {**service_environment(plan, site.token, None), **made.environment}
        return Launch(argv=made.argv, environment=environment, cwd=made.cwd, user=made.user)


class LocalProcess:
    """One service's first process, its output and its end."""

    def __init__(self, plan: ServicePlan, launch: Launch, log: Log) -> None:
        self._plan, self._launch, self._log = plan, launch, log
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Exit] = self._loop.create_future()
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            self._process = commands.spawn(
                launch.argv,
                cwd=launch.cwd,
                env=launch.environment,
                output=theirs,
                own_session=True,
                before=kernel.die_with_parent(),
                user=launch.user,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(theirs)
        self._listen()
        self._watch()

    @property
    def pid(self) -> int:
        return host_pid(self._process.pid)

    async def wait(self) -> Exit:
        return await asyncio.shield(self._ended)

    async def stop(self, grace_s: float) -> None:
        """Ask the process to end, then end its whole session."""
        if not self._ended.done():
            number = getattr(signal, self._plan.service.stop_signal, signal.SIGTERM)
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self.wait()

    async def execute(self, argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        """Run ``argv`` where the service runs: same environment, folder and account."""
        where = self._launch
        return await commands.run_async(argv, cwd=where.cwd, env=where.environment, user=where.user)

    def _watch(self) -> None:
        """Notice the end at once: a pidfd where the kernel has them, a waiting thread elsewhere."""
        if hasattr(os, "pidfd_open"):
            descriptor = os.pidfd_open(self._process.pid)

            def ended() -> None:
                self._loop.remove_reader(descriptor)
                os.close(descriptor)
                self._finish(self._process.wait())

            self._loop.add_reader(descriptor, ended)
        else:
            waiter = self._loop.run_in_executor(None, self._process.wait)
            waiter.add_done_callback(lambda done: self._finish(done.result()))

    def _finish(self, code: int) -> None:
        self._read()
        if not self._ended.done():
            self._ended.set_result(Exit(code=code))
        self._loop.call_later(DRAIN_S, self._close)

    def _listen(self) -> None:
        if self._pipe >= 0:
            self._loop.add_reader(self._pipe, self._read)

    def _read(self) -> None:
        if self._pipe < 0:
            return
        try:
            data = os.read(self._pipe, 1 << 18)
        except BlockingIOError:
            return
        if not data:
            self._close()
            return
        self._log.feed(data)
        if len(data) < MUCH_BYTES:
            self._loop.remove_reader(self._pipe)
            self._loop.call_later(BUSY_S, self._listen)

    def _close(self) -> None:
        if self._pipe >= 0:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = -1


def service_environment(plan: ServicePlan, token: str, bins: Path | None) -> dict[str, str]:
    """Answer the whole environment of a service; ``bins`` is its Python environment's folder of programs."""
    base = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    path = os.environ.get("PATH", os.defpath)
    base["PATH"] = f"{bins}{os.pathsep}{path}" if bins else path
    if bins:
        base["VIRTUAL_ENV"] = str(bins.parent)
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
    return site.scratch / service.name / mount.target.strip("/").replace("/", "-")
