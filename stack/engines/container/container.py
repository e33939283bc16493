"""One started container: its log, its end, commands inside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import datetime

from stack.engines.protocol import Connection, Exit
from stack.errors import CommandFailed
from stack.records.service_logs import Log
from stack.system import async_programs, tasks

CALL_LIMIT_S = 30.0
"""How long the engine's command may take for one answer."""

TERM_GRACE_S = 1.0
"""How long the engine's command has to give up by itself."""

UNKNOWN_CODE = 255
"""The exit code of a container whose own is not known."""

LOG_LIMIT_S = 2.0
"""How long the rest of a log is read after the container has been stopped."""


class Container:
    """One started container."""

    def __init__(self, program: str, name: str, log: Log, *, since: str | None = None) -> None:
        self._program, self._name, self._log, self._since = program, name, log, since
        self._ended = asyncio.create_task(self._wait(), name=f"end of {name}")
        self._reader = asyncio.create_task(self._follow(), name=f"log of {name}")
        self._reader.add_done_callback(tasks.log_failure)

    @property
    def pid(self) -> int:
        return 0

    async def wait(self) -> Exit:
        return await asyncio.shield(self._ended)

    async def stop(self, grace_s: float) -> None:
        """Stop the container; a grace below a second means that it holds nothing worth keeping."""
        words = ["kill"] if grace_s < 1 else ["stop", "--time", str(int(grace_s))]
        await self._call(*words, self._name, timeout_s=grace_s + CALL_LIMIT_S)
        await asyncio.wait({self._ended, self._reader}, timeout=LOG_LIMIT_S)
        await tasks.cancel(self._ended, self._reader, limit_s=LOG_LIMIT_S)

    async def connect(self, host: str, port: int) -> Connection:
        """Open a connection to a published port."""
        return await asyncio.open_connection(host, port)

    async def execute(self, argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        """Run ``argv`` inside the container; return its exit code and output."""
        words = (self._program, "exec", self._name, *argv)
        done = await async_programs.run(words, timeout_s=timeout_s, check=False, grace_s=TERM_GRACE_S)
        return done.returncode, done.stdout + done.stderr

    async def data_is_new(self, *, since: float) -> bool:
        """Return whether all that it can write to outside itself are volumes made after ``since``."""
        mounts = json.loads(await self._call("inspect", "--format", "{{json .Mounts}}", self._name) or "[]")
        writable = [mount for mount in mounts if mount["RW"]]
        if not writable or any(mount["Type"] == "bind" for mount in writable):
            return False
        names = [mount["Name"] for mount in writable if mount["Type"] == "volume"]
        volumes = json.loads(await self._call("volume", "inspect", *names) or "[]") if names else []
        made = [datetime.fromisoformat(volume["CreatedAt"]).timestamp() for volume in volumes]
        return len(made) == len(names) and all(time >= int(since) for time in made)

    async def _wait(self) -> Exit:
        output: list[bytes] = []
        await async_programs.follow((self._program, "wait", self._name), output.append)
        text = b"".join(output).decode(errors="replace").strip()
        if not text.isdigit():
            self._log.feed(b"".join(output))  # why the engine cannot tell
        if not text.isdigit():
            return Exit(code=UNKNOWN_CODE, unknown=text.splitlines()[-1] if text else "it said nothing")
        oom = await self._call("inspect", "--format", "{{.State.OOMKilled}}", self._name)
        await asyncio.wait({self._reader}, timeout=0.3)
        return Exit(code=int(text), oom=oom.strip() == "true")

    async def _follow(self) -> None:
        since = ["--since", self._since.strip('"')] if self._since else []
        await async_programs.follow((self._program, "logs", "--follow", *since, self._name), self._log.feed)
        self._log.end_line()

    async def _call(self, *words: str, timeout_s: float = CALL_LIMIT_S) -> str:
        """Return what the engine's command prints, nothing where it fails."""
        with contextlib.suppress(CommandFailed):
            done = await async_programs.run(
                (self._program, *words), timeout_s=timeout_s, grace_s=TERM_GRACE_S
            )
            return done.stdout
        return ""
