"""Errors of a stack's data: snapshots, backups, restores. Every other error is in ``stack.errors``."""

from __future__ import annotations

from stack.errors import StackError


class DataBusy(StackError):
    """Another command has been changing the data of the stack for too long."""

    code = 40


class NoSuchStore(StackError):
    """The stack does not keep its data in a store that the command can work with."""

    code = 41


class SnapshotUnknown(StackError):
    """There is no snapshot of this name."""

    code = 42


class NotABackup(StackError):
    """There is no backup at this path."""

    code = 45


class BackupDamaged(StackError):
    """A file of the backup has changed since it was written, or cannot be restored."""

    code = 46


class BackupForeign(StackError):
    """The backup was made from another project."""

    code = 47


class BackupNewer(StackError):
    """The backup was made by a newer version of this project."""

    code = 48


class BackupOtherServer(StackError):
    """The backup was made with another major version of Postgres."""

    code = 49


class NothingToUndo(StackError):
    """There is no restore to undo: no replaced data is kept."""

    code = 50


class BackupOlder(StackError):
    """The backup has fewer migrations than the code; only `--migrate` migrates it."""

    code = 52


class BackupSealed(StackError):
    """An encrypted backup for which there is no private key here."""

    code = 53
