"""The files of a service as its container has them: which are shown where, and what may be written to."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stack.engines.local import container_files, volumes
from stack.model import Build, Mount, Service
from stack.plan.container_paths import container_paths
from stack.plan.plan import ServicePlan
from stack.plan.service_plan import ImageConfig
from stack.system.mounts import Tree


def mount(target: str, folder: Path, *, read_only: bool = False) -> tuple[Mount, str]:
    folder.mkdir(parents=True, exist_ok=True)
    return Mount(type="bind", target=target, source=str(folder), read_only=read_only), str(folder)


def plan_of(
    tmp_path: Path, *mounts: tuple[Mount, str], files: dict[str, Path] | None = None, **values: Any
) -> ServicePlan:
    service = Service(
        name="web", build=Build(context=tmp_path), mounts=tuple(each for each, _ in mounts), **values
    )
    return ServicePlan(
        service=service,
        argv=("web",),
        environment={},
        ports={},
        cwd=tmp_path,
        folders={each.target: folder for each, folder in mounts},
        image=ImageConfig(files=files or {}),
    )


def test_of_two_paths_the_outer_one_is_shown(tmp_path: Path) -> None:
    own = plan_of(
        tmp_path,
        mount("/absent/media", tmp_path / "media"),
        mount("/other", tmp_path / "other"),
        files={"/absent": tmp_path, "/absent/file": tmp_path / "file"},
    )
    assert container_paths(own) == {Path("/absent"): tmp_path, Path("/other"): tmp_path / "other"}


def test_a_mount_below_another_is_at_both_places_of_its_folder(tmp_path: Path) -> None:
    project = tmp_path / "project"
    own = plan_of(
        tmp_path,
        mount("/absent", project),
        mount("/absent/media", tmp_path / "media"),
        mount("/absent/node_modules", tmp_path / "modules"),
        mount("/usr/absent", tmp_path / "other"),
    )
    volumes.make_folders(own)
    assert container_files.trees(own, tmp_path) == [
        Tree(path=project, at=Path("/absent")),
        Tree(path=tmp_path / "other", at=Path("/usr/absent")),
        Tree(path=tmp_path / "media", at=project / "media"),
        Tree(path=tmp_path / "media", at=Path("/absent/media")),
    ]


def test_a_file_that_is_mounted_below_a_folder_has_a_place_there(tmp_path: Path) -> None:
    (tmp_path / "real.txt").touch()
    file = Mount(type="bind", target="/absent/conf/a.txt", source=""), str(tmp_path / "real.txt")
    own = plan_of(tmp_path, mount("/absent", tmp_path / "project"), file)
    volumes.make_folders(own)
    assert (tmp_path / "project" / "conf" / "a.txt").is_file()


def test_the_folder_of_a_bind_mount_is_made_where_it_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda descriptor, *ids: given.append(ids))
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    paths = [tmp_path / "new" / "data", tmp_path / "logs", tmp_path / "link", Path("/run/no-such-folder")]
    binds = [(Mount(type="bind", target=f"/app/{path.name}", source=str(path)), str(path)) for path in paths]
    volumes.make_folders(plan_of(tmp_path, *binds, files={"/app": tmp_path / "project"}))
    assert [path.is_dir() for path in paths] == [True, True, False, False]
    assert given == [(tmp_path.stat().st_uid, tmp_path.stat().st_gid)] * 3
    assert (tmp_path / "project" / "logs").is_dir()


@pytest.mark.parametrize(("old", "expected"), [(None, ["style.css"]), ("kept.css", ["kept.css"])])
def test_a_new_volume_has_what_its_image_has_there(
    tmp_path: Path, old: str | None, expected: list[str]
) -> None:
    (tmp_path / "project" / "static").mkdir(parents=True)
    (tmp_path / "project" / "static" / "style.css").touch()
    volume = Mount(type="volume", target="/absent/static", source="static"), str(tmp_path / "static")
    if old is not None:
        (tmp_path / "static").mkdir()
        (tmp_path / "static" / old).touch()
    volumes.make_folders(plan_of(tmp_path, volume, files={"/absent": tmp_path / "project"}))
    assert [file.name for file in (tmp_path / "static").iterdir()] == expected


def test_a_new_volume_in_the_place_of_what_is_copied_has_it_without_what_is_installed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("node_modules", ".git", "src"):
        (project / name).mkdir(parents=True)
        (project / name / "file").touch()
    volumes_of = [
        (Mount(type="volume", target=f"/absent{below}", source=name), str(tmp_path / name))
        for below, name in (("", "code"), ("/node_modules", "modules"))
    ]
    volumes.make_folders(plan_of(tmp_path, *volumes_of, files={"/absent": project}))
    assert [path.name for path in (tmp_path / "code").iterdir()] == ["src"]
    assert list((tmp_path / "modules").iterdir()) == []


def test_what_this_machine_has_is_left_as_it_is(tmp_path: Path) -> None:
    own = plan_of(tmp_path, mount("/absent", tmp_path / "a"), mount("/usr", tmp_path / "b"))
    trees = container_files.trees(own, tmp_path)
    assert trees == [Tree(path=tmp_path / "a", at=Path("/absent"))]


@pytest.mark.parametrize("target", ["/run", "/var/run"])
def test_what_is_mounted_at_run_takes_its_place_with_what_is_below(tmp_path: Path, target: str) -> None:
    """A container's is empty, and a secret is below it."""
    in_memory, secret = tmp_path / "run", tmp_path / "secret"
    in_memory.mkdir()
    (in_memory / "secrets").mkdir()
    secret.touch()
    (in_memory / "secrets" / "token").touch()
    mounts = [
        (Mount(type="tmpfs", target=target), str(in_memory)),
        (Mount(type="bind", target=f"{target}/secrets/token", source=str(secret)), str(secret)),
    ]
    places = {tree.point: tree.path for tree in container_files.trees(plan_of(tmp_path, *mounts), tmp_path)}
    assert places[Path(target).resolve()] == in_memory
    assert places[in_memory / "secrets" / "token"] == secret


def test_a_read_only_mount_is_so_at_both_of_its_paths(tmp_path: Path) -> None:
    own = plan_of(tmp_path, mount("/absent", tmp_path / "a", read_only=True))
    assert container_files.trees(own, tmp_path) == [
        Tree(path=tmp_path / "a", at=Path("/absent"), read_only=True),
        Tree(path=tmp_path / "a", read_only=True),
    ]


def test_a_part_of_the_system_keeps_its_owner(tmp_path: Path) -> None:
    own = plan_of(tmp_path, mount("/absent/etc", Path("/etc"), read_only=True), mount("/own", tmp_path / "a"))
    owners = {tree.at: tree.keeps_owner for tree in container_files.trees(own, tmp_path) if tree.at}
    assert owners == {Path("/absent/etc"): True, Path("/own"): False}


def test_below_a_mount_that_is_writable_nothing_is_closed(tmp_path: Path) -> None:
    own = plan_of(
        tmp_path, mount("/absent", tmp_path), mount("/conf", tmp_path / "conf", read_only=True), files={}
    )
    assert not [tree for tree in container_files.trees(own, tmp_path) if tree.read_only and tree.at is None]


@pytest.mark.parametrize(("is_server", "shown"), [(False, [Path("/absent"), Path("/data")]), (True, [])])
def test_with_a_read_only_root_mounts_alone_are_writable(
    is_server: bool, shown: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    code, scratch = tmp_path / "code", tmp_path / "scratch"
    for folder in (code, scratch):
        folder.mkdir()
    own = plan_of(tmp_path, mount("/data", tmp_path / "data"), files={"/absent": code}, read_only=True)
    trees = container_files.trees(replace(own, server_image="postgres:15" if is_server else ""), scratch)
    assert sorted(tree.at for tree in trees if tree.at) == shown
    writable = {tree.at or tree.path for tree in trees if not tree.read_only}
    own_folders = {tmp_path / "data", scratch} if is_server else {tmp_path / "data", Path("/data")}
    assert writable == own_folders


def test_the_machines_own_temporary_folder_takes_the_place_of_a_tmpfs_there(tmp_path: Path) -> None:
    def temporary(*mounts: Mount) -> tuple[Path, ...]:
        return container_files.temporary(plan_of(tmp_path, *((each, "") for each in mounts)))

    in_memory = [Mount(type="tmpfs", target=target) for target in ("/tmp", "/own")]
    assert temporary(*in_memory) == (Path("/tmp"),)
    assert temporary(Mount(type="bind", target="/tmp", source="/etc")) == ()
