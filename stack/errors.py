"""Every error a person can cause: what happened, the way out, its own exit code.

Only the entry points (tasks.py, noxfile.py, ``python -m stack...``) print these and exit.
"""

from __future__ import annotations

import shlex
from typing import ClassVar

COMMAND_SHOWN = 300
"""How many characters of a failed command are shown."""

OUTPUT_SHOWN = 2000
"""How many characters of its output, the last ones."""


class StackError(Exception):
    """What happened, in one sentence; ``hint`` says what to run or change."""

    code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ServiceFailed(StackError):
    """A service did not become ready, or died later."""

    code = 3


class TestsFailed(StackError):
    """The integration tests ran and did not pass."""

    code = 4


class ComposeError(StackError):
    """A compose file does not say something that can be run; the message names file, line or key."""

    code = 10


class VariableMissing(StackError):
    """A variable that the compose file requires (``${VAR:?}``) is not set."""

    code = 11


class DependencyCycle(StackError):
    """``depends_on`` goes in a circle."""

    code = 12


class UnknownService(StackError):
    """A service that the stack does not have was named."""

    code = 13


class UnknownStack(StackError):
    """A stack that does not exist was named."""

    code = 14


class UnknownEngine(StackError):
    """An engine that does not exist was named."""

    code = 15


class EngineUnavailable(StackError):
    """The engine that was asked for does not answer, is too old, or may not be used."""

    code = 16


class NotRunnable(StackError):
    """The local engine has no way to run a service."""

    code = 17


class PythonMissing(StackError):
    """No interpreter of the version a service asks for."""

    code = 18


class LockMismatch(StackError):
    """A lock file does not match its project or what the index holds."""

    code = 19


class PortTaken(StackError):
    """A port that was demanded is held by another program."""

    code = 20


class DiskFull(StackError):
    """There is no room left where state, data or environments are written."""

    code = 21


class BuildFailed(StackError):
    """An image or an environment could not be made."""

    code = 22


class NotDisposable(StackError):
    """A destructive verb was aimed at something that is not a stack of ours."""

    code = 23


class ServerMissing(StackError):
    """No server binary (Postgres, Redis) of the asked version can be had here."""

    code = 24


class StateUnreadable(StackError):
    """A state file is damaged, from another version, or not ours."""

    code = 25


class NotUp(StackError):
    """A verb that needs a running stack found none."""

    code = 26


class NameTaken(StackError):
    """A network, volume or container of that name belongs to somebody else."""

    code = 27


class CommandFailed(StackError):
    """A program was not found, ended with an error, or did not end before its deadline.

    ``returncode`` is None where it did not end by itself; ``timed_out`` tells the deadline from a program
    that could not be run. Both streams are kept.
    """

    code = 28

    def __init__(
        self,
        argv: tuple[str, ...],
        problem: str,
        *,
        returncode: int | None = None,
        timed_out: bool = False,
        stdout: str = "",
        stderr: str = "",
        hint: str = "",
    ) -> None:
        self.argv, self.problem, self.returncode, self.timed_out = argv, problem, returncode, timed_out
        self.stdout, self.stderr = stdout, stderr
        command = shlex.join(argv)
        shown = command if len(command) <= COMMAND_SHOWN else f"{command[:COMMAND_SHOWN]}..."
        details = f": {self.output[-OUTPUT_SHOWN:]}" if self.output else "."
        super().__init__(f"`{shown}` {problem}{details}", hint=hint)

    @property
    def output(self) -> str:
        """Return what it wrote to both its streams."""
        return "\n".join(filter(None, (self.stdout.strip(), self.stderr.strip())))


class GuardianLost(StackError):
    """The stack's guardian ended without a word."""

    code = 29


class ImageMissing(StackError):
    """An image is not here, and no registry gives it."""

    code = 30


class UpElsewhere(StackError):
    """The stack is up on another engine than the one that was asked for."""

    code = 31
