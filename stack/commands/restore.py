"""`inv restore`"""

from __future__ import annotations

import time
from pathlib import Path

from stack.commands import backup, data_access, spare
from stack.control.choice import Choice
from stack.data import manifest, restoration
from stack.display import messages, tables, transfer
from stack.errors import InvalidOption


def run(
    choice: Choice, *, path: str, undo: bool, keep_old: bool, migrate: bool, identity: str, jobs: str
) -> None:
    """Verify a backup, then put it in the place of the stack's data; or take that back (``undo``).

    Raises:
        InvalidOption: a backup is named, and one is to be taken back.
        NotABackup, BackupDamaged, BackupForeign, BackupNewer, BackupOlder, BackupOtherServer: it is not fit.
        NothingToUndo: there was no restore.
    """
    if undo and path:
        raise InvalidOption(f"--undo does not restore {path}.", hint="Type one of the two.")
    if undo:
        bring_back(choice)
    else:
        restore(choice, path=path, keep_old=keep_old, migrate=migrate, identity=identity, jobs=jobs)


def uses_keys(*, path: str, undo: bool, **others: str | bool) -> bool:
    """Return whether it decrypts: that may ask for a passphrase, and starts GnuPG's agent."""
    del others
    return not undo and bool(path) and manifest.is_encrypted(Path(path))


def restore(choice: Choice, *, path: str, keep_old: bool, migrate: bool, identity: str, jobs: str) -> None:
    """Verify a backup, then put it in the place of the stack's data."""
    began = time.monotonic()
    access = data_access.open_access(choice)
    with transfer.show_progress() as progress:
        restored = restoration.restore(
            backup.source(access, path, identity=identity, jobs=jobs),
            access.live(),
            project=access.plan.stack.name,
            migrate=access.migrate if migrate else None,
            keep_old=keep_old,
            progress=progress,
            say=messages.say,
        )
    spare.start(access.state)
    seconds = time.monotonic() - began
    messages.say(f"{access.state.name}: restored {path}: {backup.describe(restored)} ({seconds:.2f} s)")
    messages.advise("what was there before: `inv restore --undo`")


def bring_back(choice: Choice) -> None:
    """Bring back the data that the last restore replaced."""
    access = data_access.open_access(choice)
    replaced = restoration.undo(access.live(), say=messages.say)
    age = tables.age(time.time() - replaced)
    messages.say(f"{access.state.name}: the data from before the restore of {age} ago is back")
