"""The small process that outlives the command that started a stack, and ends the stack.

``python -m stack.guardian REQUEST [LEASE]``: REQUEST is a file that says what to run, LEASE the
descriptor of a pipe whose end of file says that the owner is gone. A detached stack has a lease only until
it is up: from then on it lives until it is told to end (SIGTERM, or ``down`` over its control socket).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from stack import compose
from stack.data import mark
from stack.data.stores import Server, stores_of
from stack.display import config
from stack.engines import registry
from stack.engines.protocol import Engine, Site
from stack.errors import StackError
from stack.guardian import control_socket
from stack.guardian.reaping import Reaper
from stack.guardian.supervisor import Supervisor
from stack.health.verdicts import Verdict
from stack.plan import plan
from stack.plan.plan import Plan, ServicePlan
from stack.records import port_leases, state
from stack.records.port_leases import Reservations
from stack.records.request import KEEP, Request, read_request
from stack.records.timeline import Timeline
from stack.system import disk_space, files, kernel, processes, programs

T = TypeVar("T")
QUICK_GRACE_S = 0.2


class Guardian:
    """Holds one stack from its start to its end."""

    def __init__(self, request: Request, journal: Timeline) -> None:
        self._request, self._journal = request, journal
        self._ended = asyncio.Event()
        self._hurry = False
        self._volumes = False
        self.supervisor: Supervisor | None = None
        self._engine: Engine | None = None
        self._reservations = Reservations()
        self._state = state.StackState(
            name=request.name,
            project=request.name,
            engine=request.engine,
            work_tree=request.work_tree,
            files=request.files,
            run=request.run,
            token=request.token,
            ephemeral=request.ephemeral,
            created=time.time(),
            pid=processes.own_pid(),
            pid_started=processes.started(processes.own_pid()) or 0.0,
        )

    async def hold(self, lease: int | None) -> int:
        """Bring the stack up, keep it until its end, take it down; return the exit code."""
        self._listen(lease)
        code = 0
        try:
            state.write(self._state)
            made, engine = await self._unless_ended(self._prepare())
            self.supervisor = Supervisor(
                made,
                engine,
                self._site(),
                self._journal,
                deadline_s=self._request.deadline_s,
                before_ready=self._mark_database(stores_of(made).server),
            )
            async with control_socket.listening(state.control_socket(self._request.name), self._serve):
                if await self._unless_ended(self._bring_up(self.supervisor)):
                    await self._ended.wait()
                else:
                    code = 3
        except _Ended:
            pass
        except StackError as error:
            self._journal.write("error", text=error.message, hint=error.hint, code=error.code)
            code = error.code
        except OSError as error:
            failure = disk_space.operating_system_error(error)
            self._journal.write("error", text=failure.message, hint=failure.hint, code=failure.code)
            code = failure.code
        finally:
            await self._take_down()
        return code

    async def _prepare(self) -> tuple[Plan, Engine]:
        request = self._request
        loaded = compose.load(
            *map(Path, request.files),
            profiles=request.profiles,
            env_file=Path(request.env_file) if request.env_file else None,
        )
        services = plan.select(loaded, request.services)
        plan.order(services)
        engine = self._engine = registry.create(request.engine)
        leased, notes = port_leases.lease(
            request.name,
            services,
            plan.targets(loaded, services, engine=request.engine),
            alive=set(state.names()) | {request.name},
            reserve=self._reservations.take,
        )
        for note in notes:
            self._journal.note(note)
        made = plan.make(
            loaded,
            name=request.name,
            engine=request.engine,
            services=services,
            ports=leased,
            folders=engine.folders(loaded, self._site()),
        )
        self._remember(made)
        await engine.prepare(made, self._site(), self._journal.note)
        return made, engine

    async def _bring_up(self, supervisor: Supervisor) -> bool:
        verdicts = await supervisor.bring_up()
        failed = [verdict for verdict in verdicts if not verdict.good]
        self._enter("failed" if failed else "up", _sentence(failed))
        return not failed

    def _mark_database(self, server: Server | None) -> Callable[[ServicePlan], Awaitable[None]]:
        """Return what marks the stack's database as disposable while nothing was stored in it yet."""

        async def mark_database(service: ServicePlan) -> None:
            if server is not None and service.name == server.service:
                try:
                    await asyncio.to_thread(mark.mark_if_empty, server)
                except StackError as error:
                    self._journal.note(f"the database has no disposable mark: {error.message}")

        return mark_database

    async def _take_down(self) -> None:
        if self._state.phase != "failed":
            with contextlib.suppress(OSError):  # a full disk keeps nothing from ending
                self._enter("stopping")
        if self.supervisor is not None:
            quick = self._hurry or self._request.ephemeral  # what an ephemeral stack holds is thrown away
            await self.supervisor.stop_all(grace_s=QUICK_GRACE_S if quick else None, at_once=quick)
        if self._engine is not None:
            await self._engine.remove(volumes=self._volumes or self._request.ephemeral)
        if not kernel.in_namespace():
            await asyncio.to_thread(self._end_descendants)
        port_leases.release(self._request.name)
        state.forget(self._request.name, volumes=self._volumes or self._request.ephemeral)
        self._journal.stack("down")

    def _end_descendants(self) -> None:
        """End what left its service's session; in a namespace the kernel does that when we end."""
        if self._request.token:
            processes.end_processes(processes.with_token(self._request.token), grace_s=QUICK_GRACE_S)

    def _listen(self, lease: int | None) -> None:
        loop = asyncio.get_running_loop()
        if kernel.become_subreaper():
            loop.add_signal_handler(signal.SIGCHLD, Reaper(loop, programs.awaited).child_ended)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        if lease is not None:
            os.set_blocking(lease, False)
            loop.add_reader(lease, self._lease_changed, loop, lease)

    def _lease_changed(self, loop: asyncio.AbstractEventLoop, lease: int) -> None:
        said = os.read(lease, 64)
        if not said or KEEP in said:
            loop.remove_reader(lease)
        if not said:
            self._end()

    def _end(self) -> None:
        """The first call ends the stack; a second one says that somebody is in a hurry."""
        self._hurry = self._hurry or self._ended.is_set()
        self._ended.set()

    async def _serve(self, verb: str, names: list[str]) -> dict[str, Any]:
        supervisor = self.supervisor
        if verb == "down":
            self._volumes = "volumes" in names
            self._end()
            return {"ok": True}
        if supervisor is None or any(name not in supervisor.runs for name in names):
            return {"ok": False, "error": "no such service"}
        if verb in {"stop", "restart", "rebuild"}:
            for name in reversed([n for n in supervisor.runs if n in names]):
                await supervisor.stop(name)
        if verb == "rebuild" and self._engine is not None:
            await self._engine.refresh(names, self._journal.note)
        failed = []
        if verb in {"start", "restart", "rebuild"}:
            for name in [n for n in supervisor.runs if n in names]:
                verdict = await supervisor.start(name)
                if verdict is None or not verdict.good:
                    failed.append(name)
        return {"ok": not failed, "failed": failed}

    async def _unless_ended(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what ``work`` answers, but give it up the moment the stack is told to end."""
        task = asyncio.ensure_future(work)
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise _Ended
            return task.result()
        finally:
            ended.cancel()
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _remember(self, made: Plan) -> None:
        table = {name: {str(t): p for t, p in s.ports.items()} for name, s in made.services.items()}
        self._state = replace(self._state, ports=table, endpoints=made.endpoints, project=made.stack.name)
        state.write(self._state)
        files.write_atomically(Path(self._request.run) / "plan.json", config.describe_plan(made))

    def _enter(self, phase: str, text: str = "") -> None:
        self._state = self._state.with_phase(phase)
        state.write(self._state)
        self._journal.stack(phase, text)

    def _site(self) -> Site:
        request = self._request
        return Site(
            name=request.name,
            folder=state.folder(request.name),
            scratch=state.scratch(request.name),
            run=Path(request.run),
            token=request.token,
            ephemeral=request.ephemeral,
        )


class _Ended(Exception):
    """The stack was told to end while something was under way."""


def _sentence(failed: list[Verdict]) -> str:
    return "; ".join(f"{verdict.service}: {verdict.kind}, {verdict.reason}" for verdict in failed[:1])


def main(arguments: list[str]) -> int:
    """Read the request, hold the stack, answer the exit code."""
    request = read_request(Path(arguments[0]))
    lease = int(arguments[1]) if len(arguments) > 1 else None
    journal = Timeline(Path(request.run))

    async def hold() -> int:
        return await Guardian(request, journal).hold(lease)

    return asyncio.run(hold())
