"""One service as a child process: its start, its output and its end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pty
import pwd
import shutil
import signal
from collections.abc import Callable, Mapping
from typing import Any

from stack.engines.local import limits
from stack.engines.local.launch import Launch
from stack.engines.local.service_network import ServiceNetwork
from stack.engines.protocol import Connection, Exit
from stack.errors import CommandFailed
from stack.plan.plan import ServicePlan
from stack.records.service_logs import Log
from stack.system import async_programs, kernel, network_namespace, processes, programs
from stack.system.control_groups import ControlGroup
from stack.system.mounts import Mounts
from stack.system.processes import host_pid

BUSY_S = 0.01
"""How long lines are let gather: a wake-up for each would cost a talkative service a third of its speed."""

MUCH_BYTES = 1 << 15
"""So much at once is a flood, which is read without a pause."""

DRAIN_S = 0.2
"""How long output is still read after a process has ended: a descendant may hold its pipe."""


class LocalProcess:
    """One service's first process, its output and its end."""

    def __init__(
        self,
        plan: ServicePlan,
        launch: Launch,
        log: Log,
        network: ServiceNetwork | None = None,
        group: ControlGroup | None = None,
        mounts: Mounts | None = None,
    ) -> None:
        self._plan, self._launch, self._log, self._network = plan, launch, log, network
        self._mounts = mounts
        self._group, self._limits = group, limits.words(plan.service, group)
        self._oom_kills = group.oom_kills() if group is not None else 0
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Exit] = self._loop.create_future()
        self._pipe, theirs = pty.openpty() if plan.service.tty else os.pipe()
        self._input = _open_input() if plan.service.stdin_open and not plan.service.tty else None
        os.set_blocking(self._pipe, False)
        try:
            self._give_streams(theirs)
            self._process = self._start(launch, theirs)
        except BaseException:
            self._close_descriptors()
            raise
        finally:
            os.close(theirs)
        self._listen()
        self._watch()

    def _start(self, launch: Launch, output: int) -> programs.Process:
        argv, place = self._argv_inside(launch.argv)
        reading = output if self._plan.service.tty else self._input[0] if self._input else None
        return programs.start_group(
            programs.echo(argv),
            env=launch.environment,
            input=reading,
            output=output,
            errors=output,
            before=kernel.die_with_parent(),
            **place,
        )

    def _give_streams(self, output: int) -> None:
        """Let the account open its own streams again, as ``/dev/stdout``."""
        if self._launch.user is not None:
            account = pwd.getpwnam(self._launch.user)
            for stream in (output, *(self._input or ())[:1]):
                os.fchown(stream, account.pw_uid, account.pw_gid)

    def _argv_inside(self, argv: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return the words that run ``argv`` where the service runs, and how they are started."""
        launch, nsenter = self._launch, self._nsenter()
        if nsenter or self._limits:  # only root may put a process into a group: the account is changed inside
            inside = network_namespace.inside(nsenter, argv, user=launch.user, cwd=launch.cwd)
            return (*self._limits, *inside), {}
        return argv, {"cwd": launch.cwd, "user": launch.user}

    def _nsenter(self) -> tuple[str, ...]:
        mounts = self._mounts.descriptor if self._mounts is not None else None
        if self._network is not None:
            return self._network.namespaces.nsenter(mounts=mounts)
        return () if mounts is None else network_namespace.nsenter(mounts=mounts)

    @functools.cached_property
    def pid(self) -> int:
        return host_pid(self._process.pid)

    async def wait(self) -> Exit:
        return await asyncio.shield(self._ended)

    async def stop(self, grace_s: float) -> None:
        """Ask the process to end, then end its whole group."""
        if self._network is not None:
            self._network.withdraw()
        if not self._ended.done():
            number = getattr(signal, self._plan.service.stop_signal or "SIGTERM", signal.SIGTERM)
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            await asyncio.wait({self._ended}, timeout=grace_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self.wait()
        await asyncio.to_thread(processes.kill_children_of, self._plan.name)

    async def connect(self, host: str, port: int) -> Connection:
        """Open a connection on the network of the service."""
        if self._network is None:
            return await asyncio.open_connection(host, port)
        return await self._network.connect(host, port)

    async def execute(self, argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        """Run ``argv`` where the service runs: same environment, folder and account."""
        environment = self._launch.environment
        words, place = self._argv_inside(resolve_program(argv, environment))
        done = await async_programs.run(words, env=environment, timeout_s=timeout_s, check=False, **place)
        return done.returncode, done.stdout + done.stderr

    async def data_is_new(self, *, since: float) -> bool:
        """Return whether its data was made for this start, whatever the time."""
        return self._launch.new_data

    def _watch(self) -> None:
        """Notice the end at once: a pidfd where the kernel has them, a waiting thread elsewhere."""
        if hasattr(os, "pidfd_open"):
            descriptor = os.pidfd_open(self._process.pid)

            def ended() -> None:
                self._loop.remove_reader(descriptor)
                os.close(descriptor)
                self._finish(self._process.wait)

            self._loop.add_reader(descriptor, ended)
        else:
            waiter = self._loop.run_in_executor(None, self._process.wait)
            waiter.add_done_callback(lambda done: self._finish(done.result))

    def _finish(self, code: Callable[[], int]) -> None:
        """Tell who waits how the process ended, or what failed here: nobody would get that otherwise."""
        try:
            if self._network is not None:
                self._network.withdraw()
            self._read()
            self._ended.set_result(Exit(code=code(), oom=self._lacked_memory()))
        except Exception as error:  # noqa: BLE001  passed on
            self._ended.set_exception(error)
        self._loop.call_later(DRAIN_S, self._close)

    def _lacked_memory(self) -> bool:
        return self._group is not None and self._group.oom_kills() > self._oom_kills

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
        except OSError:  # the other end of a terminal is closed (EIO)
            data = b""
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
            self._close_descriptors()
            self._log.end_line()

    def _close_descriptors(self) -> None:
        for descriptor in (self._pipe, *(self._input or ())):
            os.close(descriptor)
        self._pipe, self._input = -1, None


def _open_input() -> tuple[int, int]:
    """Return both ends of a standard input that stays open and empty (``stdin_open``)."""
    return os.pipe()


def resolve_program(argv: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return ``argv`` with the path of its program.

    Raises:
        CommandFailed: there is no such program on the service's PATH.
    """
    program = shutil.which(argv[0], path=environment.get("PATH", os.defpath))
    if program is None:
        raise CommandFailed(argv, "was not found")
    return (program, *argv[1:])
