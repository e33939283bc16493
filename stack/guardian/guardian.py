"""What holds a stack: it outlives the command that started it, and ends the stack."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from stack.display import config
from stack.display.redaction import redactor_of
from stack.engines import registry
from stack.engines.protocol import Engine
from stack.errors import EngineUnavailable, ServiceFailed, StackError
from stack.guardian import control_socket, database, standby, variables
from stack.guardian.changes import change
from stack.guardian.end import Ended, limited, until_end
from stack.guardian.preparation import load, make_plan, site_of
from stack.guardian.supervisor import Supervisor
from stack.health.verdicts import Verdict
from stack.plan import optional
from stack.plan.plan import Plan
from stack.records import folders, plans, port_leases, state
from stack.records.control import Action, Command, Outcome, Reply
from stack.records.port_leases import Reservations
from stack.records.request import KEEP, Request
from stack.records.state import Phase
from stack.records.timeline import MISTAKE, Timeline
from stack.system import files, kernel, processes
from stack.system.disk_space import as_stack_error

QUICK_GRACE_S = 0.2
PREPARE_LIMIT_S, STEP_LIMIT_S = 120.0, 60.0


class Guardian:
    """Holds one stack from its start to its end."""

    def __init__(self, request: Request, timeline: Timeline) -> None:
        self._request, self._timeline = request, timeline
        self._ended = asyncio.Event()
        self._hurry = self._volumes = False
        self._ended_by = "its owner"
        self._grace_s = 0.0
        self._code = 0
        self.supervisor: Supervisor | None = None
        self._engine: Engine | None = None
        self._reservations = Reservations()
        self._site = site_of(request)
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
        try:
            code = await self._up_and_wait()
        except Ended:
            code = self._code
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  reported, with its traceback
            code = self._report(error)
        finally:
            await self._take_down()
        return code

    async def _up_and_wait(self) -> int:
        state.write(self._state)
        async with limited("The preparation of the stack", PREPARE_LIMIT_S):
            plan, engine = await until_end(self._prepare(), self._ended)
        self.supervisor = Supervisor(
            plan,
            engine,
            self._site,
            self._timeline,
            deadline_s=self._request.deadline_s,
            when_up=database.when_up(plan, self._timeline),
        )
        async with control_socket.listening(folders.control_socket(self._request.name), self._serve):
            if not await until_end(self._bring_up(self.supervisor), self._ended):
                return ServiceFailed.code
            plans.write(self.supervisor.plan(plan))
            async with standby.kept(plan, self._request):
                await self._ended.wait()
        return self._code

    def _report(self, error: BaseException) -> int:
        """Write an error to the timeline and return its exit code."""
        if not isinstance(error, StackError):
            logging.getLogger("stack").error("%s", self._request.name, exc_info=error)
        known = as_stack_error(error, run=self._request.run)
        self._timeline.write("error", text=known.message, hint=known.hint, code=known.code)
        return known.code

    async def _prepare(self) -> tuple[Plan, Engine]:
        os.environ.update(variables.of_stack(self._request))  # a container engine reads the files itself
        engine = self._engine = registry.create(self._request.engine)
        loaded = load(self._request)
        self._timeline.redact = redactor_of(loaded).text
        networks = await engine.open_networks(loaded.services, self._timeline.note)
        plan = make_plan(
            self._request,
            loaded,
            engine,
            reserve=self._reservations.reserve,
            note=self._timeline.note,
            networks=networks,
        )
        plan = optional.leave_out(plan, await engine.unavailable(optional.services(plan)))
        self._store(plan)
        for sentence in plan.notes:
            self._timeline.note(sentence, state=MISTAKE)
        await engine.prepare(plan, self._site, self._timeline.note)
        return plan, engine

    async def _bring_up(self, supervisor: Supervisor) -> bool:
        verdicts = await supervisor.bring_up()
        failed = [verdict for verdict in verdicts if not verdict.good]
        self._enter("failed" if failed else "up", _first_cause(failed))
        return not failed

    async def _take_down(self) -> None:
        """Do every step, also where one before it failed; none may last for ever."""
        for what, step, grace_s in (
            ("The record of the end", self._enter_stopping, 0.0),
            ("The end of the services", self._stop_services, self._grace_s),
            ("The removal of what the engine made", self._remove, 0.0),
            ("The end of the services' processes", self._end_descendants, 0.0),
            ("The release of ports and folders", self._forget, 0.0),
        ):
            try:
                async with limited(what, STEP_LIMIT_S + grace_s):
                    await step()
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  as above
                self._report(error)
        self._timeline.stack("down")

    async def _enter_stopping(self) -> None:
        if self._state.phase != "failed":
            with contextlib.suppress(OSError):  # also on a full disk the stack is ended
                self._enter("stopping", f"ended by {self._ended_by}")

    async def _stop_services(self) -> None:
        if self.supervisor is not None:
            quick = self._hurry or self._request.ephemeral  # the data of an ephemeral stack goes anyway
            await self.supervisor.stop_all(grace_s=QUICK_GRACE_S if quick else None, at_once=quick)

    async def _remove(self) -> None:
        try:
            if self._engine is not None:
                await self._engine.remove(volumes=self._volumes or self._request.ephemeral)
        except EngineUnavailable:
            self._set(phase="left")
            raise

    async def _end_descendants(self) -> None:
        """End the processes that left their service's session; in a namespace the kernel does that."""
        if not kernel.in_namespace():
            pids = await asyncio.to_thread(processes.with_token, self._request.token)
            await asyncio.to_thread(processes.end_processes, pids, grace_s=QUICK_GRACE_S)

    async def _forget(self) -> None:
        if self._state.phase == "left":
            return  # the next command removes what the engine runs, and needs the state for it
        port_leases.release(self._request.name)
        state.forget(self._request.name, volumes=self._volumes or self._request.ephemeral)

    def _listen(self, lease: int | None) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._callback_failed)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, f"{number.name} (`inv down`, or another program)")
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

    def _callback_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report an exception that nobody awaits; in a callback it is the failure of a start."""
        loop.default_exception_handler(context)
        error = context.get("exception")
        if "handle" in context and isinstance(error, Exception) and self._state.phase == "starting":
            self._code = self._report(error)
            self._ended.set()
        elif error is not None:
            self._timeline.note(as_stack_error(error, run=self._request.run).message)

    def _end(self, ended_by: str = "its owner") -> None:
        """End the stack; a second call cuts every grace period short."""
        if not self._ended.is_set():
            self._ended_by = ended_by
        self._hurry = self._hurry or self._ended.is_set()
        self._ended.set()

    async def _serve(self, command: Command) -> Reply:
        if command.action is Action.DOWN:
            self._volumes = command.volumes
            self._end("`inv down`")
            return Reply(outcome=Outcome.DONE)
        assert self.supervisor is not None, "the socket is opened after it is made"
        assert self._engine is not None
        note, run = self._timeline.note, self._request.run
        reply = await change(self.supervisor, self._engine, command, note=note, run=run)
        debuggers = {name: port for name, each in self.supervisor.runs.items() if (port := each.debug_port)}
        if debuggers != self._state.debuggers:
            self._set(debuggers=debuggers)
        return reply

    def _store(self, plan: Plan) -> None:
        """Store the plan and the stack's addresses; the run's folder gets a redacted copy of the plan."""
        ports = {name: dict(service.ports) for name, service in plan.services.items()}
        further = {name: service.further_ports for name, service in plan.services.items()}
        self._set(ports=ports, further_ports=further, endpoints=plan.endpoints)
        self._grace_s = plan.grace_s()
        plans.write(plan)
        files.write_atomically(Path(self._request.run) / "plan.json", config.describe_plan(plan))

    def _enter(self, phase: Phase, text: str = "") -> None:
        self._set(phase=phase)
        self._timeline.stack(phase, text)

    def _set(self, **values: Any) -> None:
        self._state = replace(self._state, **values)
        state.write(self._state)


def _first_cause(failed: list[Verdict]) -> str:
    return "; ".join(f"{verdict.service}: {verdict.kind}, {verdict.reason}" for verdict in failed[:1])
