"""The errors that users can cause. Each says what happened and what to do, and has its own exit code.

Only the entry points (tasks.py, noxfile.py, ``python -m stack...``) print them and exit.
"""

from __future__ import annotations

from typing import ClassVar


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


class ComposeError(StackError):
    """A compose file is invalid; the message names the file and the line or key."""

    code = 10


class VariableMissing(StackError):
    """A variable that a compose file requires (``${VAR:?}``) has no value."""

    code = 11


class DependencyCycle(StackError):
    """Services depend on each other in a circle."""

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
    """A program ended with an error; carries its argv, exit code and output."""

    code = 28

    def __init__(self, argv: tuple[str, ...], returncode: int, output: str, *, hint: str = "") -> None:
        super().__init__(f"{argv[0]} ended with {returncode}: {output.strip()[-2000:]}", hint=hint)
        self.argv, self.returncode, self.output = argv, returncode, output


class GuardianLost(StackError):
    """The guardian process of the stack ended without reporting why."""

    code = 29


class ImageMissing(StackError):
    """An image is not on this machine and cannot be pulled."""

    code = 30


class UpElsewhere(StackError):
    """The stack is running on another engine than the requested one."""

    code = 31


class InvalidOption(StackError):
    """The value of an option is not one of those that the command knows."""

    code = 32


class DataBusy(StackError):
    """Another command has been changing the data of the stack for too long."""

    code = 40


class NoSuchStore(StackError):
    """A verb was asked of a stack that does not keep its data in a way that the verb needs."""

    code = 41


class SnapshotUnknown(StackError):
    """A snapshot that does not exist was named."""

    code = 42


class SnapshotTaken(StackError):
    """A snapshot of that name exists."""

    code = 43


class BadName(StackError):
    """A name that cannot be the name of a snapshot."""

    code = 44


class NotABackup(StackError):
    """A path that holds no backup was named as one."""

    code = 45


class BackupDamaged(StackError):
    """A file of a backup is not as it was written."""

    code = 46


class BackupForeign(StackError):
    """A backup of another project."""

    code = 47


class BackupNewer(StackError):
    """A backup that a newer version of this project made."""

    code = 48


class BackupOtherServer(StackError):
    """A backup of another major version of Postgres."""

    code = 49


class NothingToUndo(StackError):
    """There is no database to which a restore could be undone."""

    code = 50


class NotWritable(StackError):
    """A path where a backup was to be written may not be written, or exists."""

    code = 51


class BackupOlder(StackError):
    """A backup with fewer migrations than the code; it is migrated only where that is asked for."""

    code = 52
