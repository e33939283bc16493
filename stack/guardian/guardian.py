"""The process that holds a stack: it outlives the command that started it, and ends the stack.

``python -m stack.guardian REQUEST [LEASE]``: REQUEST is the file that describes the stack, LEASE the
descriptor of a pipe whose end of file means that the owner is gone. A detached stack has a lease only until
it is up: from then on it runs until SIGTERM, or ``down`` over its control socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec.structs import replace

from stack import compose
from stack.data import mark
from stack.data.stores import Server, stores_of
from stack.display import config
from stack.engines import registry
from stack.engines.protocol import Engine, Site
from stack.errors import StackError
from stack.guardian import control_socket
from stack.guardian.end import Ended, until_end
from stack.guardian.supervisor import Supervisor
from stack.health.verdicts import Verdict
from stack.plan import plan as planning
from stack.plan.plan import Plan, ServicePlan
from stack.records import plans, port_leases, state
from stack.records.control import Action, Command, Outcome, Reply
from stack.records.port_leases import Reservations
from stack.records.request import KEEP, Request, read_request
from stack.records.state import Phase
from stack.records.timeline import Timeline
from stack.system import disk_space, files, kernel, processes

QUICK_GRACE_S = 0.2


class Guardian:
    """Holds one stack from its start to its end."""

    def __init__(self, request: Request, timeline: Timeline) -> None:
        self._request, self._timeline = request, timeline
        self._ended = asyncio.Event()
        self._hurry = False
        self._volumes = False
        self.supervisor: Supervisor | None = None
        self._engine: Engine | None = None
        self._reservations = Reservations()
        self._state = state.StackState(
            name=request.name,
            engine=request.engine,
            work_tree=request.work_tree,
            run=request.run,
            token=request.token,
            ephemeral=request.ephemeral,
            created=time.time(),
            pid=processes.own_pid(),
            pid_started=processes.started(processes.own_pid()) or 0.0,
        )

    async def hold(self, lease: int | None) -> int:
        """Bring the stack up, wait for its end, take it down; return the exit code."""
        self._listen(lease)
        code = 0
        try:
            state.write(self._state)
            plan, engine = await until_end(self._prepare(), self._ended)
            self.supervisor = Supervisor(
                plan,
                engine,
                self._site(),
                self._timeline,
                deadline_s=self._request.deadline_s,
                before_ready=self._mark_database(stores_of(plan).server),
            )
            async with control_socket.listening(state.control_socket(self._request.name), self._serve):
                if await until_end(self._bring_up(self.supervisor), self._ended):
                    await self._ended.wait()
                else:
                    code = 3
        except Ended:
            pass
        except StackError as error:
            self._timeline.write("error", text=error.message, hint=error.hint, code=error.code)
            code = error.code
        except OSError as error:
            failure = disk_space.operating_system_error(error)
            self._timeline.write("error", text=failure.message, hint=failure.hint, code=failure.code)
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
        services = planning.select(loaded, request.services)
        planning.order(services)
        engine = self._engine = registry.create(request.engine)
        leased, notes = port_leases.lease(
            request.name,
            services,
            planning.targets(loaded, services, engine=request.engine),
            alive=set(state.names()) | {request.name},
            reserve=self._reservations.reserve,
        )
        for note in notes:
            self._timeline.note(note)
        result = planning.make(
            loaded,
            name=request.name,
            engine=request.engine,
            services=services,
            ports=leased,
            folders=engine.folders(loaded, self._site()),
        )
        self._store(result)
        await engine.prepare(result, self._site(), self._timeline.note)
        return result, engine

    async def _bring_up(self, supervisor: Supervisor) -> bool:
        verdicts = await supervisor.bring_up()
        failed = [verdict for verdict in verdicts if not verdict.good]
        self._enter("failed" if failed else "up", _first_cause(failed))
        return not failed

    def _mark_database(self, server: Server | None) -> Callable[[ServicePlan], Awaitable[None]]:
        """Return what marks the stack's database as disposable while nothing was stored in it yet."""

        async def mark_database(service: ServicePlan) -> None:
            if server is not None and service.name == server.service:
                try:
                    await asyncio.to_thread(mark.mark_if_empty, server)
                except StackError as error:
                    self._timeline.note(f"the database has no disposable mark: {error.message}")

        return mark_database

    async def _take_down(self) -> None:
        if self._state.phase != "failed":
            with contextlib.suppress(OSError):  # also on a full disk the stack is ended
                self._enter("stopping")
        if self.supervisor is not None:
            quick = self._hurry or self._request.ephemeral  # the data of an ephemeral stack goes anyway
            await self.supervisor.stop_all(grace_s=QUICK_GRACE_S if quick else None, at_once=quick)
        if self._engine is not None:
            await self._engine.remove(volumes=self._volumes or self._request.ephemeral)
        if not kernel.in_namespace():
            await asyncio.to_thread(self._end_descendants)
        port_leases.release(self._request.name)
        state.forget(self._request.name, volumes=self._volumes or self._request.ephemeral)
        self._timeline.stack("down")

    def _end_descendants(self) -> None:
        """End the processes that left their service's session; in a namespace the kernel does that."""
        if self._request.token:
            processes.end_processes(processes.with_token(self._request.token), grace_s=QUICK_GRACE_S)

    def _listen(self, lease: int | None) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        if lease is not None:
            os.set_blocking(lease, False)
            loop.add_reader(lease, self._read_lease, loop, lease)

    def _read_lease(self, loop: asyncio.AbstractEventLoop, lease: int) -> None:
        """End the stack at the end of file; stop listening once the stack is detached."""
        data = os.read(lease, 64)
        if not data or KEEP in data:
            loop.remove_reader(lease)
        if not data:
            self._end()

    def _end(self) -> None:
        """End the stack; a second call cuts every grace period short."""
        self._hurry = self._hurry or self._ended.is_set()
        self._ended.set()

    async def _serve(self, command: Command) -> Reply:
        if command.action is Action.DOWN:
            self._volumes = command.volumes
            self._end()
            return Reply(outcome=Outcome.DONE)
        assert self.supervisor is not None, "the socket is opened after it is made"
        unknown = tuple(name for name in command.services if name not in self.supervisor.runs)
        if unknown:
            return Reply(outcome=Outcome.UNKNOWN_SERVICE, services=unknown)
        names = [name for name in self.supervisor.runs if name in command.services]
        not_ready = await self._change(self.supervisor, command.action, names)
        return Reply(outcome=Outcome.NOT_READY if not_ready else Outcome.DONE, services=not_ready)

    async def _change(self, supervisor: Supervisor, action: Action, names: list[str]) -> tuple[str, ...]:
        """Stop, rebuild and start services, in start order; return those that did not become ready."""
        if action is not Action.START:
            for name in reversed(names):
                await supervisor.stop(name)
        if action is Action.STOP:
            return ()
        if action is Action.REBUILD and self._engine is not None:
            await self._engine.refresh(names, self._timeline.note)
        verdicts = {name: await supervisor.start(name) for name in names}
        return tuple(name for name, verdict in verdicts.items() if verdict is None or not verdict.good)

    def _store(self, plan: Plan) -> None:
        """Store the plan and the stack's addresses; the run's folder gets a redacted copy of the plan."""
        ports = {name: dict(service.ports) for name, service in plan.services.items()}
        self._state = replace(self._state, ports=ports, endpoints=plan.endpoints)
        state.write(self._state)
        plans.write(plan)
        files.write_atomically(Path(self._request.run) / "plan.json", config.describe_plan(plan))

    def _enter(self, phase: Phase, text: str = "") -> None:
        self._state = replace(self._state, phase=phase)
        state.write(self._state)
        self._timeline.stack(phase, text)

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


def _first_cause(failed: list[Verdict]) -> str:
    return "; ".join(f"{verdict.service}: {verdict.kind}, {verdict.reason}" for verdict in failed[:1])


def main(arguments: list[str]) -> int:
    """Read the request and hold the stack; return the exit code."""
    request = read_request(Path(arguments[0]))
    lease = int(arguments[1]) if len(arguments) > 1 else None
    timeline = Timeline(Path(request.run))

    async def hold() -> int:
        return await Guardian(request, timeline).hold(lease)

    return asyncio.run(hold())
