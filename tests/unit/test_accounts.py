"""Accounts: who owns a server's data folder, and what is never changed."""

import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stack.engines.local import accounts
from stack.errors import NotRunnable
from stack.model import Mount, Service
from unprotected.protection import Cut, protected_by

ACCOUNTS = "stack/engines/local/accounts.py"

DATA = "/var/lib/postgresql/data"
SERVICE = Service(name="postgres", image="postgres:15", environment={"POSTGRES_PASSWORD": "secret"})


@protected_by(
    "a bind mount is never chowned and never chmodded",
    Cut(ACCOUNTS, "if not folder.exists() or not _is_bound(service, folder):", "if True:"),
)
@pytest.mark.parametrize("mode", [0o755, 0o750])
def test_a_folder_in_a_bind_mount_is_never_changed(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "bound" / "data"
    folder.mkdir(parents=True)
    folder.chmod(mode)
    service = replace(SERVICE, mounts=(Mount(type="bind", target=DATA, source=str(folder.parent)),))
    with pytest.raises(NotRunnable, match="is in a bind mount, which is left as it is") as caught:
        accounts.give_data(service, folder, None, private=True)
    assert caught.value.hint == f"Run `chmod 700 {folder}`, or use a named volume."
    accounts.give_data(service, folder, None)  # a server that minds no readers uses it as it is
    assert stat.S_IMODE(folder.stat().st_mode) == mode


def test_a_folder_that_a_bind_mount_lacks_is_made_for_the_server(tmp_path: Path) -> None:
    service = replace(SERVICE, mounts=(Mount(type="bind", target=DATA, source=str(tmp_path)),))
    accounts.give_data(service, tmp_path / "data", None, private=True)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_folders_that_the_account_may_not_enter_are_no_part_of_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a shell says "Permission denied" of a program that is nowhere."""
    for name, mode in (("open", 0o755), ("closed", 0o700)):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name).chmod(mode)
    monkeypatch.setattr(accounts, "blocking_folders", blocked_by(tmp_path / "closed"))
    path = os.pathsep.join(map(str, (tmp_path / "closed" / "bin", tmp_path / "open" / "bin", "/no/such")))
    assert accounts.search_path(path, "nobody") == str(tmp_path / "open" / "bin")
    assert accounts.search_path(path, None) == path


def blocked_by(closed: Path) -> Callable[[Path, int], list[Path]]:
    return lambda path, uid: [closed] if closed in path.parents else []


@protected_by(
    "a link in the place of a folder is not followed",
    Cut("stack/system/private_folder.py", " | os.O_NOFOLLOW", ""),
)
def test_a_link_in_the_place_of_a_data_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(mode=0o755)
    (tmp_path / "data").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="data"):
        accounts.give_data(SERVICE, tmp_path / "data", None)
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o755


@protected_by(
    "no owner is changed through a link",
    Cut(ACCOUNTS, "dir_fd=parent, follow_symlinks=False)", "dir_fd=parent, follow_symlinks=True)"),
)
def test_an_account_gets_a_folder_and_what_is_in_it_but_not_what_links_point_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "secret").touch()
    (tmp_path / "data" / "deep" / "link").symlink_to(tmp_path / "secret")
    given: list[tuple[str, bool]] = []

    def chown(name: str, uid: int, gid: int, *, dir_fd: int, follow_symlinks: bool) -> None:
        given.append((name, follow_symlinks))

    monkeypatch.setattr(accounts.os, "chown", chown)
    monkeypatch.setattr(accounts.os, "fchown", lambda descriptor, uid, gid: given.append((".", False)))
    account = pwd.struct_passwd(("db", "x", os.geteuid() + 1, 1, "", "/", "/bin/false"))
    monkeypatch.setattr(accounts.pwd, "getpwnam", lambda name: account)
    accounts.chown_tree(tmp_path / "data", "db")
    assert given == [("link", False), ("deep", False), (".", False)]
