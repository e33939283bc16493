"""What a service sees of this machine where root starts the stack."""

import os
import pwd
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stack.engines.local import accounts, servers, views
from stack.engines.local.views import View
from stack.environments.service_environment import ServiceEnvironment
from stack.errors import NotRunnable
from stack.model import Build, FileGrant, LocalHints, Mount, Service
from stack.plan.plan import ServicePlan
from stack.system.mounts import Mounts

ACCOUNT = pwd.struct_passwd(("guest", "x", 54321, 54322, "", "/", "/bin/false"))


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that is not the caller's, and a cache that is open to it."""
    monkeypatch.setattr(pwd, "getpwnam", lambda name: ACCOUNT)
    monkeypatch.setattr(accounts, "unprivileged", lambda *preferred: "guest")
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(accounts, "closed_folders", called_closed)


def called_closed(folders: Sequence[Path], uid: int) -> list[Path]:
    return [folder for folder in reversed(folders) if "closed" in folder.name]


def plan_of(tmp_path: Path, *sources: str, **values: Any) -> ServicePlan:
    """Return the plan of a service that is built from ``project``, with bind mounts."""
    (tmp_path / "project" / "src").mkdir(parents=True, exist_ok=True)
    mounts = tuple(Mount(type="bind", target=f"/{n}", source=each) for n, each in enumerate(sources))
    build = Build(context=tmp_path / "project")
    service = Service(name="web", build=build, mounts=(*mounts, *values.pop("mounts", ())))
    return ServicePlan(
        service=service, argv=("web",), environment={}, ports={}, cwd=tmp_path / "project" / "src", **values
    )


def view_of(tmp_path: Path, plan: ServicePlan) -> View:
    (tmp_path / "scratch").mkdir(exist_ok=True)
    return views.view_of(plan, ServiceEnvironment(), scratch=tmp_path / "scratch", account="guest")


def mapped(view: View) -> list[Path]:
    own = {view.home, Path(view.variables()["PYTHONPYCACHEPREFIX"])}
    return [tree.path for tree in view.trees if not tree.read_only and tree.path not in own]


def test_a_volume_of_a_server_stays_the_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Path] = []
    monkeypatch.setattr(accounts, "chown_tree", lambda folder, user: given.append(folder))
    new, theirs = tmp_path / "new", tmp_path / "theirs"
    theirs.mkdir()
    kept = tuple(Mount(type="volume", target=f"/{name}", source=name) for name in ("new", "theirs"))
    plan = plan_of(tmp_path, mounts=kept, folders={"/new": str(new), "/theirs": str(theirs)})
    monkeypatch.setattr(os, "geteuid", lambda: theirs.stat().st_uid + 1)
    views.give_folders(plan, tmp_path / "scratch", "guest")
    assert new in given
    assert theirs not in given


def test_a_secret_is_the_accounts_whatever_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Path] = []
    monkeypatch.setattr(accounts, "chown_tree", lambda folder, user: None)
    monkeypatch.setattr(accounts, "chown_file", lambda path, user: given.append(path))
    secret = FileGrant(kind="secret", name="token", target="/run/secrets/token", content="t", mode=0o400)
    plan = plan_of(tmp_path, folders={secret.target: str(tmp_path / "token")})
    plan = replace(plan, service=replace(plan.service, files=(secret,)))
    views.give_folders(plan, tmp_path / "scratch", "guest")
    assert given == [tmp_path / "token"]


def test_the_project_and_its_bind_mounts_are_shown_as_the_accounts_own(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    inside, beside = str(tmp_path / "project" / "src"), str(tmp_path / "data")
    view = view_of(tmp_path, plan_of(tmp_path, inside, beside, str(tmp_path / "absent")))
    assert sorted(mapped(view)) == [tmp_path / "data", tmp_path / "project"]


@pytest.mark.parametrize("source", ["/", "/etc", "/usr/share", "/dev/null"])
def test_a_bind_mount_of_the_system_keeps_its_owner(tmp_path: Path, source: str) -> None:
    assert mapped(view_of(tmp_path, plan_of(tmp_path, source))) == [tmp_path / "project"]


def test_what_keeps_the_account_out_is_covered_but_not_what_lies_in_its_project(tmp_path: Path) -> None:
    (tmp_path / "closed" / "closed too" / "data").mkdir(parents=True)
    (tmp_path / "project" / "closed" / "data").mkdir(parents=True)
    sources = (tmp_path / "closed" / "closed too" / "data", tmp_path / "project" / "closed" / "data")
    view = view_of(tmp_path, plan_of(tmp_path, *map(str, sources)))
    assert view.covered == (tmp_path / "closed",)


def test_a_link_leads_where_it_led(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "link").symlink_to(tmp_path / "data")
    view = view_of(tmp_path, plan_of(tmp_path, str(tmp_path / "closed" / "link")))
    assert {tmp_path / "data", tmp_path / "closed" / "link"} <= set(mapped(view))


def test_volumes_and_the_home_are_the_accounts_own_and_the_rest_of_its_scratch_is_not(
    tmp_path: Path,
) -> None:
    volume = tmp_path / "volumes" / "kept"
    kept = Mount(type="volume", target="/kept", source="kept")
    view = view_of(tmp_path, plan_of(tmp_path, mounts=(kept,), folders={"/kept": str(volume)}))
    trees = {tree.path: tree for tree in view.trees}
    assert not trees[volume].read_only
    assert not trees[tmp_path / "scratch" / "home"].read_only
    assert trees[tmp_path / "scratch"].read_only
    assert view.variables()["HOME"] == str(tmp_path / "scratch" / "home")


def test_a_service_that_its_stack_was_started_without_has_a_view(tmp_path: Path) -> None:
    """Its commands migrate and seed all the same."""
    temporary = Mount(type="tmpfs", target="/tmp")
    assert view_of(tmp_path, plan_of(tmp_path, mounts=(temporary,))).home == tmp_path / "scratch" / "home"


def test_folders_of_the_path_that_the_account_may_not_enter_are_left_out(tmp_path: Path) -> None:
    for name in ("open", "closed"):
        (tmp_path / name / "bin").mkdir(parents=True)
    view = view_of(tmp_path, plan_of(tmp_path))
    path = f"{tmp_path}/closed/bin:{tmp_path}/open/bin:/no/such"
    assert view.reachable(path) == [f"{tmp_path}/open/bin"]


def test_where_the_kernel_allows_no_mounts_the_account_must_reach_everything_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(view: View, *, base: int | None = None) -> Mounts:
        raise PermissionError

    monkeypatch.setattr(View, "open", refuse)
    passed: list[Path] = []
    monkeypatch.setattr(accounts, "allow_traversal", lambda path, user: passed.append(path))
    view = view_of(tmp_path, plan_of(tmp_path))
    assert views.open_view(view) is None
    assert tmp_path / "project" in passed

    def keep_out(path: Path, user: str | None) -> None:
        raise NotRunnable(f"The account {user} cannot enter {path}.")

    monkeypatch.setattr(accounts, "allow_traversal", keep_out)
    with pytest.raises(NotRunnable, match="guest cannot enter"):
        views.open_view(view)


def test_a_project_that_the_account_cannot_write_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    plan = plan_of(tmp_path, str(tmp_path / "data"))
    only_read = tuple(replace(mount, read_only=True) for mount in plan.service.mounts)
    view = view_of(tmp_path, replace(plan, service=replace(plan.service, mounts=only_read)))
    assert view.unwritable(None) == [tmp_path / "project"]
    assert view.unwritable(Mounts(descriptor=-1, unmapped=(tmp_path / "data",))) == []
    (tmp_path / "project").chmod(0o777)
    assert view.unwritable(None) == []


def test_a_server_runs_as_its_own_account_and_a_command_as_one_without_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "unprivileged", lambda *names: names[0] if names else "nobody")
    monkeypatch.setattr("stack.engines.local.redis.unprivileged", accounts.unprivileged)
    monkeypatch.setattr("stack.engines.local.postgres.unprivileged", accounts.unprivileged)
    for image, account in (("postgres:15", "postgres"), ("redis:7", "redis"), ("valkey/valkey:8", "valkey")):
        service = Service(name="x", image=image)
        plan = replace(plan_of(tmp_path), service=service, argv=(), server_image=image)
        assert servers.account_of(plan) == account
    with_command = Service(name="x", image="redis:7", local=LocalHints(command=("x",)))
    assert servers.account_of(replace(plan_of(tmp_path), service=with_command)) == "nobody"
