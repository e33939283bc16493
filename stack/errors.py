"""Every error a person can cause: what happened, the way out, its own exit code.

Only the entry points (tasks.py, noxfile.py, ``python -m stack...``) print these and exit.
"""

from __future__ import annotations

from typing import ClassVar


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
    """A program we ran ended with an error; carries its argv, code and output."""

    code = 28

    def __init__(self, argv: tuple[str, ...], returncode: int, output: str, *, hint: str = "") -> None:
        super().__init__(f"{argv[0]} ended with {returncode}: {output.strip()[-2000:]}", hint=hint)
        self.argv, self.returncode, self.output = argv, returncode, output


class GuardianLost(StackError):
    """The stack's guardian ended without a word."""

    code = 29


class ImageMissing(StackError):
    """An image is not here, and no registry gives it."""

    code = 30


class UpElsewhere(StackError):
    """The stack is up on another engine than the one that was asked for."""

    code = 31


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


class BadSize(StackError):
    """A number of products or orders, or a seed, that is not understood."""

    code = 53
