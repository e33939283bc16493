"""`inv backup`"""

from __future__ import annotations

import time
from pathlib import Path

from stack import __version__
from stack.commands import data_access
from stack.commands.data_access import Access
from stack.control.choice import Choice
from stack.data import backup, encryption, lock, restoration
from stack.data import manifest as manifests
from stack.data.backup import Origin
from stack.data.errors import NotABackup
from stack.data.loading import Source
from stack.data.manifest import Manifest
from stack.display import messages, tables, transfer
from stack.errors import InvalidOption


def run(
    choice: Choice, *, path: str, recipients: list[str], verify: str | None, identity: str, jobs: str
) -> None:
    """Back up the stack, or verify the backup in the folder ``verify``.

    Raises:
        InvalidOption: a folder for a new backup is named, too, or an option that makes no sense.
        NotUp, NotDisposable: the stack cannot be used for that.
        NotWritable, DiskFull: no backup can be made.
        NotABackup, BackupDamaged, BackupForeign, BackupNewer, BackupOtherServer: it is not fit.
    """
    if verify is None:
        write(choice, path=path, recipients=recipients)
    elif path:
        raise InvalidOption(f"--verify writes no backup to {path}.", hint="Type one of the two.")
    else:
        check(choice, path=verify, identity=identity, jobs=jobs)


def uses_keys(*, recipients: list[str], verify: str | None, **others: str) -> bool:
    """Return whether it encrypts or decrypts: that may ask for a passphrase, and starts GnuPG's agent."""
    del others
    return bool(recipients) or (verify is not None and manifests.is_encrypted(Path(verify)))


def write(choice: Choice, *, path: str, recipients: list[str]) -> None:
    """Write a backup of the stack to a new folder."""
    began = time.monotonic()
    encrypt = encryption.for_recipients(recipients)
    access = data_access.open_access(choice)
    target = Path(path) if path else default_path(access)
    with lock.exclusive(access.state.name, say=messages.say), transfer.show_progress() as progress:
        manifest = backup.write(
            target,
            access.live(),
            access.clients(),
            Origin(project=access.plan.stack.name, version=__version__),
            encrypt=encrypt,
            progress=progress,
        )
    messages.say(f"{target}: {describe(manifest)} ({time.monotonic() - began:.2f} s)")


def check(choice: Choice, *, path: str, identity: str, jobs: str) -> None:
    """Check every file of a backup and restore it into a scratch database."""
    began = time.monotonic()
    access = data_access.open_access(choice)
    with transfer.show_progress() as progress:
        manifest = restoration.verify(
            source(access, path, identity=identity, jobs=jobs),
            access.server,
            access.location(),
            project=access.plan.stack.name,
            progress=progress,
            say=messages.say,
        )
    messages.say(f"{path} is whole: {describe(manifest)} ({time.monotonic() - began:.2f} s)")


def source(access: Access, path: str, *, identity: str, jobs: str) -> Source:
    """Return the backup that is named by words as they were typed, and how it is to be loaded.

    Raises:
        NotABackup: none is named.
    """
    if not path:
        raise NotABackup("No backup was named.", hint="Name the folder that `inv backup` wrote.")
    return Source(
        folder=Path(path),
        clients=access.clients(),
        identity=Path(identity) if identity else None,
        jobs=data_access.parse_jobs(jobs),
    )


def default_path(access: Access) -> Path:
    """Return where a backup is written if nothing is said: named for the stack and the time."""
    moment = time.strftime("%Y%m%d-%H%M%S")
    return Path(access.state.work_tree) / ".stack" / "backups" / f"{access.state.name}-{moment}"


def describe(manifest: Manifest) -> str:
    """Return what is in a backup, in a few words."""
    size = sum(file.size_bytes for file in manifest.files.values())
    sealed = f", encrypted with {manifest.encryption}" if manifest.encryption else ""
    rows = sum(manifest.rows.values())
    held = f"{tables.quantity(rows, 'row')} in {tables.quantity(len(manifest.rows), 'table')}"
    return f"{held}, {tables.quantity(manifest.redis_keys, 'Redis key')}, {tables.format_bytes(size)}{sealed}"
