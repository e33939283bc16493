from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from stack.environments import interpreters, uv
from stack.environments.installation import Installation, pip_install
from stack.environments.interpreters import Interpreter
from stack.environments.virtualenv import install, install_own, sync
from stack.errors import BuildFailed, DiskFull, LockMismatch, PythonMissing

PYPROJECT = """
[project]
name = "shop"
version = "1"
requires-python = ">=3.11"
dependencies = ["Django>=5.2,<5.3", "tzdata; sys_platform == 'win32'"]
"""
LOCK = """
asgiref==3.8.1 \\
    --hash=sha256:00
    # via django
django==5.2.1 ; python_full_version >= '3.11' \\
    --hash=sha256:00
"""
RUNNING = ".".join(map(str, sys.version_info[:3]))


class FakeUv:
    """Makes environments that are folders with an interpreter's name in them."""

    def __init__(self) -> None:
        self.verbs: list[str] = []
        self.words: list[tuple[str, ...]] = []
        self.fails: dict[str, Exception] = {}

    def __call__(
        self,
        *words: str | Path,
        cwd: Path,
        lock: Path | None = None,
        pass_fds: Collection[int] = (),
        path: str | None = None,
    ) -> str:
        self.words.append(tuple(map(str, words)))
        verb = f"{words[0]} {words[1]}" if words[0] in {"pip", "python"} else str(words[0])
        self.verbs.append(verb)
        if verb in self.fails:
            raise self.fails[verb]
        if verb == "venv":
            (cwd / "bin").mkdir(exist_ok=True)
            (cwd / "bin" / "python").touch()
        return "cpython-3.11.7-linux /usr/bin/python3.11\n" if verb == "python list" else ""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))
    made = FakeUv()
    monkeypatch.setattr(uv, "call", made)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "requirements.txt").write_text(LOCK)
    return folder


def test_an_environment_of_one_service_alone_has_pip_and_is_made_once(
    fake: FakeUv, project: Path, tmp_path: Path
) -> None:
    fake.fails["pip install"] = BuildFailed("no such package")
    with pytest.raises(BuildFailed):
        install_own(Installation(folder=project), tmp_path / "venv", name="web")
    fake.fails.clear()
    needed = Installation(folder=project, commands=(("sync",),))
    fake.fails["sync"] = BuildFailed("no such package")
    for _ in range(2):
        made = install_own(needed, tmp_path / "venv", name="web")
    assert made.bin == tmp_path / "venv" / "bin"
    assert fake.words[-2:] == [
        pip_install_of(tmp_path / "venv", "pip", "setuptools<81", "wheel", "--link-mode", "copy"),
        ("sync", "--link-mode", "copy"),
    ]


def pip_install_of(folder: Path, *words: str) -> tuple[str, ...]:
    return tuple(word.replace("{environment}", str(folder)) for word in pip_install(*words))


def test_an_environment_is_made_from_the_lock_and_said_so(fake: FakeUv, project: Path) -> None:
    said: list[str] = []
    made = sync(project, say=said.append)
    assert fake.verbs == ["venv", "pip install"]
    assert made.python == made.bin / "python"
    assert said == [f"making the Python {RUNNING} environment of shop"]


def test_nothing_is_run_or_said_when_nothing_changed(fake: FakeUv, project: Path) -> None:
    first = sync(project)
    fake.verbs.clear()
    said: list[str] = []
    assert sync(project, say=said.append) == first
    assert fake.verbs == []
    assert said == []


def test_two_projects_with_the_same_lock_share_an_environment(
    fake: FakeUv, project: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("pyproject.toml", "requirements.txt"):
        (clone / name).write_bytes((project / name).read_bytes())
    assert sync(project) == sync(clone)
    assert fake.verbs == ["venv", "pip install"]


def test_a_changed_lock_is_another_environment(fake: FakeUv, project: Path) -> None:
    first = sync(project)
    (project / "requirements.txt").write_text(LOCK.replace("5.2.1", "5.2.2"))
    assert sync(project).path != first.path


def test_a_build_that_was_killed_is_made_again(fake: FakeUv, project: Path) -> None:
    fake.fails["pip install"] = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        sync(project)
    del fake.fails["pip install"]
    fake.verbs.clear()
    assert sync(project).python.exists()
    assert fake.verbs == ["venv", "pip install"]


def test_an_environment_whose_interpreter_is_gone_is_made_again(fake: FakeUv, project: Path) -> None:
    made = sync(project)
    made.python.unlink()
    fake.verbs.clear()
    assert sync(project).python.exists()
    assert fake.verbs == ["venv", "pip install"]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda text: text.replace("django==", "flask=="), "does not pin Django"),
        (lambda text: text.replace("5.2.1", "5.1.9"), "pins Django 5.1.9"),
        (lambda text: "<<<<<<< ours\n" + text, "<<<<<<< ours"),
    ],
)
def test_a_lock_that_does_not_match_its_project_names_the_package_and_the_way_out(
    fake: FakeUv, project: Path, change: Callable[[str], str], names: str
) -> None:
    (project / "requirements.txt").write_text(change(LOCK))
    with pytest.raises(LockMismatch, match=names) as caught:
        sync(project)
    assert "nox -s lock" in caught.value.hint
    assert fake.verbs == []


def test_a_pyproject_that_has_moved_on_is_noticed_although_the_lock_is_the_same(
    fake: FakeUv, project: Path
) -> None:
    sync(project)
    (project / "pyproject.toml").write_text(PYPROJECT.replace("<5.3", "<5.2.1"))
    with pytest.raises(LockMismatch):
        sync(project)


def test_a_missing_lock_says_how_to_make_it(fake: FakeUv, project: Path) -> None:
    with pytest.raises(LockMismatch, match=r"other\.txt is missing") as caught:
        sync(project, lock="other.txt")
    assert "nox -s lock" in caught.value.hint


def test_a_missing_python_says_which_and_what_is_here(fake: FakeUv, project: Path) -> None:
    fake.fails["python find"] = BuildFailed("none")
    with pytest.raises(PythonMissing, match=r"needs Python >=3\.11,==3\.99\.\*; installed: 3\.11\.7"):
        sync(project, python="3.99")


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("  x Failed to download\n  Hash mismatch for `django==5.2.1`", LockMismatch),
        ("because there is no version of django==5.2.99 and you require", LockMismatch),
        ("error: failed to write: No space left on device (os error 28)", DiskFull),
        ("error: Failed to build `thing`", BuildFailed),
    ],
)
def test_uv_s_failures_are_told_apart(output: str, kind: type[Exception], tmp_path: Path) -> None:
    error = uv.error_of(output, tmp_path / "requirements.txt")
    assert type(error) is kind
    assert output.strip().splitlines()[-1] in str(error)


def test_pyenv_s_shims_make_room_for_interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "versions" / "3.13.0" / "bin").mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", f"/usr/bin:{tmp_path}/shims")
    assert interpreters.search_path() == f"/usr/bin:{tmp_path}/versions/3.13.0/bin"


@pytest.mark.parametrize(("version", "is_seeded"), [("3.11.7", True), ("3.12.1", False)])
def test_a_python_before_3_12_comes_with_the_packages_of_its_image(
    fake: FakeUv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_seeded: bool
) -> None:
    interpreter = Interpreter(path=Path(sys.executable), version=version)
    monkeypatch.setattr(interpreters, "choose", lambda name, wish, say=None: interpreter)
    install(Installation(folder=tmp_path, commands=(pip_install("flask"),)), name="web")
    assert any("setuptools<81" in words for words in fake.words) is is_seeded
