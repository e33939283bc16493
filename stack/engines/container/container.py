"""One started container: its log, its end, commands inside it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess

from stack.engines.protocol import Exit
from stack.records.service_logs import Log


class Container:
    """One started container."""

    def __init__(self, program: str, name: str, log: Log, *, since: str | None = None) -> None:
        self._program, self._name, self._log, self._since = program, name, log, since
        self._ended = asyncio.ensure_future(self._wait())
        self._reader = asyncio.ensure_future(self._follow())

    @property
    def pid(self) -> int:
        return 0

    async def wait(self) -> Exit:
        return await asyncio.shield(self._ended)

    async def stop(self, grace_s: float) -> None:
        if grace_s < 1:  # nothing it holds will be kept
            await self._run("kill", self._name)
        else:
            await self._run("stop", "--time", str(int(grace_s)), self._name)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await asyncio.gather(self._ended, self._reader, return_exceptions=True)
        for task in (self._ended, self._reader):
            task.cancel()

    async def execute(self, argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        """Run ``argv`` inside the container."""
        return await self._run("exec", self._name, *argv)

    async def _wait(self) -> Exit:
        _, output = await self._run("wait", self._name)
        code = int(output.strip() or 255) if output.strip().isdigit() else 255
        _, oom = await self._run("inspect", "--format", "{{.State.OOMKilled}}", self._name)
        await asyncio.wait({self._reader}, timeout=0.3)
        return Exit(code=code, oom=oom.strip() == "true")

    async def _follow(self) -> None:
        since = ["--since", self._since.strip('"')] if self._since else []
        process = await self._spawn("logs", "--follow", *since, self._name, merge=True)
        assert process.stdout is not None
        try:
            while data := await process.stdout.read(1 << 16):
                self._log.feed(data)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _run(self, *words: str) -> tuple[int, str]:
        process = await self._spawn(*words, merge=False)
        try:
            out, err = await process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await process.wait()
            raise
        return process.returncode or 0, (out or err or b"").decode(errors="replace")

    async def _spawn(self, *words: str, merge: bool) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            self._program,
            *words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
        )
