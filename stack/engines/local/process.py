"""One service as a child process: its start, its output and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.engines.protocol import Exit
from stack.plan.plan import ServicePlan
from stack.records.service_logs import Log
from stack.system import kernel, programs
from stack.system.processes import host_pid

BUSY_S = 0.01
"""How long lines are let gather: a wake-up for each would cost a talkative service a third of its speed."""

MUCH_BYTES = 1 << 15
"""So much at once is a flood, which is read without a pause."""

DRAIN_S = 0.2
"""How long output is still read after a process has ended: a descendant may hold its pipe."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What is executed for one service, in the foreground; it ends on SIGINT or SIGTERM.

    ``user`` is the account to drop to, None where that is not needed.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path
    user: str | None = None


class LocalProcess:
    """One service's first process, its output and its end."""

    def __init__(self, plan: ServicePlan, launch: Launch, log: Log) -> None:
        self._plan, self._launch, self._log = plan, launch, log
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Exit] = self._loop.create_future()
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            self._process = programs.spawn(
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
            number = getattr(signal, self._plan.service.stop_signal or "SIGTERM", signal.SIGTERM)
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
        place = self._launch
        done = await programs.run_async(
            argv, cwd=place.cwd, env=place.environment, user=place.user, timeout_s=timeout_s, check=False
        )
        return done.returncode, done.stdout + done.stderr

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
