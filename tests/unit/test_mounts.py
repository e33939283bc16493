"""Mounts that show one account's files as another's."""

import os
import pwd
import stat
from pathlib import Path

import pytest

from stack.system import mounts, network_namespace, programs
from stack.system.mounts import Tree

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.mark.parametrize(("owner", "seems"), [(0, 65534), (1000, 0), (65534, 1), (5, 6), (7, 7)])
def test_a_map_exchanges_two_accounts_and_leaves_all_others(owner: int, seems: int) -> None:
    rows = [tuple(map(int, line.split())) for line in mounts.id_map(owner, seems).splitlines()]

    def shown(number: int) -> list[int]:
        return [number - inside + outside for inside, outside, count in rows if 0 <= number - inside < count]

    assert shown(owner) == [seems]
    assert shown(seems) == [owner]
    for other in (2, 999, 1001, 70000, mounts.HIGHEST_ID):
        assert shown(other) == [other]


def call_as_nobody(opened: mounts.Mounts, script: str) -> str:
    words = network_namespace.nsenter(mounts=opened.descriptor)
    argv = network_namespace.inside(words, ("sh", "-c", script), user="nobody", cwd=Path("/"))
    return programs.run(argv, check=False).stdout


@needs_root
def test_a_tree_is_the_accounts_own_and_what_is_covered_is_empty(tmp_path: Path) -> None:
    account = pwd.getpwnam("nobody")
    project, programs_folder = tmp_path / "closed" / "project", tmp_path / "closed" / "programs"
    for folder in (project, programs_folder):
        folder.mkdir(parents=True)
        (folder / "file").write_text(folder.name)
        (folder / "file").chmod(0o600)
    (tmp_path / "closed" / "other").touch()
    (tmp_path / "closed").chmod(0o700)
    opened = mounts.show(
        [Tree(path=project), Tree(path=programs_folder / "file", read_only=True)],
        [Path(*tmp_path.parts[:3])],
        viewer=(account.pw_uid, account.pw_gid),
        base=None,
    )
    script = f"cat {project}/file {programs_folder}/file; echo x > {project}/new; : > {programs_folder}/file"
    assert opened.unmapped == ()
    assert call_as_nobody(opened, script) == "projectprograms"
    assert call_as_nobody(opened, f"ls {project.parent}") == "programs\nproject\n"
    opened.close()
    assert (project / "new").stat().st_uid == project.stat().st_uid
    assert (programs_folder / "file").read_text() == "programs"
    assert stat.S_IMODE((project / "file").stat().st_mode) == 0o600


def call_as_root(opened: mounts.Mounts, script: str) -> str:
    done = programs.run(
        (*network_namespace.nsenter(mounts=opened.descriptor), "sh", "-c", script), check=False
    )
    return done.stdout


@needs_root
@pytest.mark.parametrize("at", ["/absent/of/machine", "/usr/absent/folder", "/etc/absent"])
def test_a_tree_is_shown_where_the_machine_has_no_such_path(at: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("shown")
    opened = mounts.show(
        [Tree(path=tmp_path, at=Path(at)), Tree(path=tmp_path / "file", at=Path("/run/absent"))]
    )
    listed = call_as_root(opened, f"cat {at}/file /run/absent; echo; ls -d /proc/self /tmp {tmp_path}; pwd")
    opened.close()
    assert listed.split() == ["shownshown", "/proc/self", "/tmp", str(tmp_path), "/"]
    assert not Path(at).exists()
    assert not Path("/run/absent").exists()


@needs_root
def test_several_trees_are_shown_in_one_folder_that_the_machine_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    names = [Path("/run/absent/one"), Path("/run/absent/below/two"), Path("/run/absent/three")]
    opened = mounts.show([Tree(path=tmp_path / "file", at=name) for name in names])
    assert call_as_root(opened, f"cat {' '.join(map(str, names))}") == "text" * 3
    opened.close()


@needs_root
def test_what_is_covered_is_shown_at_another_path_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "closed" / "project").mkdir(parents=True)
    (tmp_path / "closed" / "project" / "file").write_text("shown")
    opened = mounts.show(
        [Tree(path=tmp_path / "closed" / "project", at=Path("/absent"))], [tmp_path / "closed"]
    )
    listed = call_as_root(opened, f"cat /absent/file; ls {tmp_path}/closed")
    opened.close()
    assert listed == "shown"


@needs_root
def test_a_place_where_anybody_may_put_files_is_left_as_it_is(tmp_path: Path) -> None:
    opened = mounts.show([Tree(path=tmp_path, at=Path("/tmp/absent-of-machine"))])
    later = Path("/tmp") / f"later-{os.getpid()}"
    later.touch()
    listed = call_as_root(opened, f"ls -d /tmp/absent-of-machine {later}")
    opened.close()
    later.unlink()
    assert listed == f"{later}\n"


@needs_root
def test_with_a_read_only_root_the_trees_alone_can_be_written_to(tmp_path: Path) -> None:
    for name in ("own", "closed", "other"):
        (tmp_path / name).mkdir()
    trees = [
        Tree(path=tmp_path / "own", at=Path("/absent")),
        Tree(path=tmp_path / "own"),
        Tree(path=tmp_path / "closed", read_only=True),
    ]
    opened = mounts.show(trees, read_only=True)
    places = ["/absent", *(str(tmp_path / name) for name in ("own", "closed", "other")), "/etc", "/tmp"]
    script = "; ".join(f"touch {place}/new 2>/dev/null && echo {place}" for place in places)
    written = call_as_root(opened, f"{script}; echo > /dev/null && echo device")
    opened.close()
    assert written.split() == ["/absent", str(tmp_path / "own"), "device"]


@needs_root
def test_with_a_read_only_root_a_temporary_folder_can_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    opened = mounts.show(
        [Tree(path=tmp_path / "closed")], [tmp_path], read_only=True, temporary=[Path("/tmp")]
    )
    name = Path("/tmp") / f"temporary-{os.getpid()}"
    written = call_as_root(opened, f"touch {name} && echo one; touch /var/new {tmp_path}/new || echo two")
    opened.close()
    assert written.split() == ["one", "two"]
    name.unlink()
