"""What a service sees of this machine where root starts the stack: it runs as an account without rights.

In a mount namespace of its own the service finds its project, its bind mounts and its programs at their own
paths as that account's, and an empty folder in the place of what the account may not enter, such as root's
home. On the disk nothing changes: what it writes there belongs to whom the folder belongs.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.engines.local import accounts, container_files, stand_ins
from stack.environments import interpreters, service_environment
from stack.environments.service_environment import ServiceEnvironment
from stack.plan.plan import ServicePlan
from stack.system import mounts
from stack.system.directories import cache_home
from stack.system.mounts import Mounts, Tree

PROGRAMS: Final = ("nsenter", "setpriv", "env", "unshare")
CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, kw_only=True)
class View:
    """What ``account`` is shown, and the folders that are covered for it.

    ``home`` is its own, ``project`` are the folders that it is to write to as their owner, ``programs`` those
    of its interpreters that it could not enter otherwise. ``read_only``: nothing else can be written to but
    ``temporary``, folders that stay this machine's own.
    """

    account: str
    home: Path
    project: tuple[Path, ...]
    trees: tuple[Tree, ...]
    covered: tuple[Path, ...]
    programs: tuple[Path, ...]
    read_only: bool
    temporary: tuple[Path, ...] = ()

    def open(self, *, base: int | None = None) -> Mounts:
        """Return the mounts of the view, over those of the namespace ``base``, else over ours.

        Raises:
            OSError: the kernel refuses.
        """
        account = pwd.getpwnam(self.account)
        viewer = account.pw_uid, account.pw_gid
        return mounts.show(
            self.trees,
            self.covered,
            viewer=viewer,
            base=base,
            read_only=self.read_only,
            temporary=self.temporary,
        )

    def variables(self) -> dict[str, str]:
        """Return the variables that a service has by its account."""
        return {
            "HOME": str(self.home),
            "USER": self.account,
            "PYTHONPYCACHEPREFIX": str(_compiled(self.account)),
        }

    def reachable(self, path: str) -> list[str]:
        """Return the folders of a PATH that the account may enter, after those of its interpreters."""
        uid = pwd.getpwnam(self.account).pw_uid
        folders = [Path(folder) for folder in path.split(os.pathsep) if folder]
        entered = [each for each in folders if self._is_shown(each) or not _is_closed(each, uid)]
        return list(map(str, (*self.programs, *entered)))

    def unwritable(self, mounts: Mounts | None) -> list[Path]:
        """Return the folders of the project that the account cannot write to, as nothing maps their owner."""
        uid = pwd.getpwnam(self.account).pw_uid
        paths = [path for path in self.project if mounts is None or path in mounts.unmapped]
        states = [(path, path.stat()) for path in paths]
        return [path for path, found in states if found.st_uid != uid and not found.st_mode & stat.S_IWOTH]

    def _is_shown(self, path: Path) -> bool:
        return any(path.is_relative_to(tree.path) for tree in self.trees)


def _compiled(account: str) -> Path:
    """The folder of the code that an account's services have compiled."""
    return cache_home() / f"pycache-{account}"


def open_view(view: View, *, base: int | None = None) -> Mounts | None:
    """Return the mounts of a view; None where the kernel allows none and the account can do without.

    Raises:
        NotRunnable: it cannot enter a folder that it needs.
    """
    if all(map(shutil.which, PROGRAMS)):
        with contextlib.suppress(OSError):
            return view.open(base=base)
    for tree in view.trees:
        accounts.allow_traversal(tree.path, view.account)
    return None


def _home(scratch: Path) -> Path:
    return scratch / "home"


def _is_closed(folder: Path, uid: int) -> bool:
    """Whether the account may not enter a folder, or one above it."""
    if not folder.is_dir():
        return True
    names = (folder.resolve() / "any", folder.absolute() / "any")
    return any(accounts.closed_folders(name.parents, uid) for name in names)


def give_folders(plan: ServicePlan, scratch: Path, account: str) -> None:
    """Make the account's own what is: volumes, a home, the code that its services compile.

    A volume that is a server's already, as that of Postgres for what makes backups of it, stays the server's.
    Secrets and configs are the account's, as they are root's in a container: their mode may be 0400.
    """
    for grant in plan.service.files:
        accounts.chown_file(Path(plan.folders[grant.target]), account)
    for folder in _own_folders(plan, scratch, account):
        if not folder.exists() or folder.stat().st_uid == os.geteuid():
            accounts.chown_tree(folder, account)


def _own_folders(plan: ServicePlan, scratch: Path, account: str) -> list[Path]:
    targets = [mount.target for mount in plan.service.mounts if mount.type != "bind"]
    # A service that its stack was started without has no folders.
    volumes = [Path(plan.folders[target]) for target in targets if target in plan.folders]
    written = [scratch / "image"] if plan.image.texts else []
    own = [folder for folder in (scratch / service_environment.OWN,) if folder.exists()]
    return [*volumes, *written, *own, _home(scratch), _compiled(account)]


def view_of(plan: ServicePlan, installed: ServiceEnvironment, *, scratch: Path, account: str) -> View:
    """Return what a service is to see; ``scratch`` is its own folder."""
    uid = pwd.getpwnam(account).pw_uid
    prefixes = [prefix for prefix in _prefixes(installed) if _is_closed(prefix / "bin", uid)]
    project = _outermost(_project(plan))
    only_read = {Path(mount.source or "/") for mount in plan.service.mounts if mount.read_only}
    code = [] if plan.service.read_only else project
    written = [*code, *_own_folders(plan, scratch, account)]
    read = (*_programs(scratch), *prefixes, *_closed_files(uid), *(set(project) - set(code)))
    trees = (*_trees(written, read=read), *container_files.trees(plan, scratch))
    return View(
        account=account,
        home=_home(scratch),
        project=tuple(path for path in project if path not in only_read),
        trees=trees,
        covered=_covered([tree.path for tree in trees], uid),
        programs=tuple(prefix / "bin" for prefix in prefixes),
        read_only=plan.service.read_only,
        temporary=container_files.temporary(plan),
    )


def _trees(written: Iterable[Path], *, read: Iterable[Path]) -> tuple[Tree, ...]:
    """Return what is shown: each path and, where links lead there, the one without."""
    trees = [*(Tree(path=path) for path in written), *(Tree(path=path, read_only=True) for path in read)]
    both = {
        name: Tree(path=name, read_only=tree.read_only)
        for tree in trees
        for name in (tree.path.absolute(), tree.path.resolve())
    }
    return tuple(both.values())


def _project(plan: ServicePlan) -> Iterator[Path]:
    """The folders that belong to the service, which it may write to as their owner."""
    build = plan.service.build
    context = [build.context] if build is not None and not build.url else []
    yield from (path for path in (*context, plan.cwd, *plan.image.files.values()) if path != Path("/"))
    for mount in plan.service.mounts:
        source = Path(mount.source or "/")
        if mount.type == "bind" and not container_files.is_of_system(source):
            yield source


def _programs(scratch: Path) -> list[Path]:
    folders = (scratch, cache_home() / "envs", cache_home() / "debugpy", stand_ins.FOLDER)
    return [folder for folder in folders if folder.exists()]


def _prefixes(installed: ServiceEnvironment) -> list[Path]:
    """The folders of the interpreters: that of the environment, ours, that of Node.js."""
    node = shutil.which("node")
    python = installed.virtualenv / "bin" / "python" if installed.virtualenv else None
    files = [python, interpreters.running().path, Path(node) if node else None]
    folders = [file.resolve().parent for file in files if file is not None and file.exists()]
    return list(dict.fromkeys(folder.parent for folder in folders if folder.name == "bin"))


def _closed_files(uid: int) -> list[Path]:
    """What of our own a service may be told of: the environment that we run in, and certificates."""
    files = [Path(sys.prefix), *(Path(os.environ[name]) for name in CERTIFICATES if os.environ.get(name))]
    return [file for file in files if file.exists() and _is_closed(file.parent, uid)]


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Those of the paths that exist and lie below no other one."""
    found: list[Path] = []
    for path in sorted((path for path in paths if path.exists()), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(each) for each in found):
            found.append(path)
    return found


def _covered(shown: Collection[Path], uid: int) -> tuple[Path, ...]:
    """The outermost folders that keep the account from what it is shown; what lies in that is its own."""
    blocking = {
        folder
        for path in shown
        for folder in accounts.closed_folders(path.parents, uid)
        if not any(folder.is_relative_to(each) for each in shown)
    }
    return tuple(_outermost(blocking))
