"""The errors that users can cause. Each says what happened and what to do, and has its own exit code.

Only the entry points (tasks.py, noxfile.py, ``python -m stack...``) print them and exit.
"""

from __future__ import annotations

import shlex
from typing import ClassVar

COMMAND_SHOWN = 300
"""How many characters of a failed command are shown."""

OUTPUT_SHOWN = 2000
"""How many characters of its output, the last ones."""


class StackError(Exception):
    """An error with its cause in one sentence; ``hint`` says what to run or change."""

    code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ServiceFailed(StackError):
    """A service did not become ready, or ended later."""

    code = 3


class TestsFailed(StackError):
    """At least one integration test failed."""

    code = 4


class ServiceTimedOut(ServiceFailed):
    """A service did not become ready within its time: it hangs, or does not listen on its port."""

    code = 5


class ServiceUnhealthy(ServiceFailed):
    """A service answers, but its health check fails."""

    code = 6


class NotReady(ServiceFailed):
    """The stack is up, but a service reports that something it depends on is down."""

    code = 7


class StackEnded(StackError):
    """Another command or a signal ended the stack before it was up."""

    code = 8


class ComposeError(StackError):
    """A compose file is invalid; the message names the file and the line or key."""

    code = 10


class VariableMissing(StackError):
    """A variable that a compose file requires (``${VAR:?}``) has no value."""

    code = 11


class DependencyCycle(StackError):
    """Services depend on each other in a cycle."""

    code = 12


class UnknownService(StackError):
    """The stack has no service of this name."""

    code = 13


class UnknownStack(StackError):
    """There is no stack of this name."""

    code = 14


class UnknownEngine(StackError):
    """There is no engine of this name."""

    code = 15


class EngineUnavailable(StackError):
    """The requested engine does not answer, is too old, or the user lacks permission to use it."""

    code = 16


class NotRunnable(StackError):
    """The local engine cannot run a service."""

    code = 17


class PythonMissing(StackError):
    """No Python interpreter of the version that a service requires is installed."""

    code = 18


class LockMismatch(StackError):
    """A lock file does not match its project or the package index."""

    code = 19


class PortTaken(StackError):
    """Another program holds a port that the stack must have."""

    code = 20


class DiskFull(StackError):
    """The disk that holds state, data or environments is full."""

    code = 21


class BuildFailed(StackError):
    """An image or an environment could not be built."""

    code = 22


class NotDisposable(StackError):
    """A destructive command was refused: its target is not marked as disposable."""

    code = 23


class ServerMissing(StackError):
    """No Postgres or Redis server of the required version is available on this machine."""

    code = 24


class StateUnreadable(StackError):
    """A state file is damaged, from another version, or belongs to another user."""

    code = 25


class NotUp(StackError):
    """The command needs a running stack, and the stack is not running."""

    code = 26


class NameTaken(StackError):
    """A network, volume or container of this name belongs to another project."""

    code = 27


class CommandFailed(StackError):
    """A program was not found, ended with an error, or did not end before its deadline.

    ``returncode`` is None where it did not end by itself; ``timed_out`` tells the deadline from a program
    that could not be run. Both streams are kept.
    """

    code = 28

    def __init__(
        self, argv: tuple[str, ...], problem: str, *, returncode: int | None = None, timed_out: bool = False,
        stdout: str = "", stderr: str = "", hint: str = "",
    ) -> None:  # fmt: skip
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
    """The guardian process of the stack ended without reporting why."""

    code = 29


class ImageMissing(StackError):
    """An image is not on this machine and cannot be pulled."""

    code = 30


class UpElsewhere(StackError):
    """The stack is running already: on another engine, from other files, or without a service or profile."""

    code = 31


class InvalidOption(StackError):
    """The value of an option is not one of those that the command knows."""

    code = 32


class NotWritable(StackError):
    """The folder of a new backup exists already, or may not be written."""

    code = 51


class NotConfirmed(StackError):
    """A question before a deletion was not answered with yes."""

    code = 54


class UnknownRun(StackError):
    """No run of this name is recorded, or several are meant."""

    code = 60
