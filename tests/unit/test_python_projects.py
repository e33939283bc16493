"""What a Python project installs: from requirements, a lock of uv, Poetry or PDM, or pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.environments import kinds, pinned_lock, pyproject, requirements, uv_lock, version_constraint
from stack.environments.installation import Installation
from stack.environments.interpreters import PythonWish
from stack.environments.project_metadata import python_wish
from stack.errors import LockMismatch

PROJECT = """
[project]
name = "shop"
requires-python = ">=3.11"
dependencies = ["flask>=3"]
[dependency-groups]
dev = ["pytest", {include-group = "lint"}]
"""
PACKAGED = PROJECT + '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
POETRY = """
[tool.poetry]
name = "shop"
[tool.poetry.dependencies]
python = "^3.11"
django = "^5.2"
psycopg = {version = "^3.2", extras = ["binary"]}
tool = {git = "https://example.com/tool.git", tag = "v1"}
colorama = {version = "*", markers = "sys_platform == 'win32'"}
extra = {version = "*", optional = true}
[tool.poetry.group.dev.dependencies]
pytest = "*"
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
sphinx = "*"
"""
LOCK = """
[[package]]
name = "flask"
version = "3.1.0"
[[package]]
name = "mine"
version = "1"
[package.source]
type = "git"
url = "https://example.com/mine.git"
[[package]]
name = "own"
version = "2"
git = "https://example.com/own.git"
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def install_words(installation: Installation | None) -> list[str]:
    """The words behind the fixed ones of each `pip install`, and other commands whole."""
    assert installation is not None
    return [" ".join(command[6:] if command[0] == "pip" else command) for command in installation.commands]


def test_requirements_without_hashes_are_installed_with_all_files_that_they_refer_to(tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements_txt="-r base.txt\n-c pins.txt\nflask\n-r https://example.com/x.txt\n",
        base_txt="--requirement=more/deep.txt\n",
        pins_txt="flask==3\n",
        more__deep_txt="-r ../base.txt\n",
    )
    installation = requirements.find(tmp_path)
    assert install_words(installation) == [f"-r {tmp_path}/requirements.txt"]
    assert installation is not None
    names = [str(file.relative_to(tmp_path)) for file in installation.inputs]
    assert names == ["requirements.txt", "base.txt", "more/deep.txt", "pins.txt"]
    assert not installation.is_bound


def test_requirements_with_hashes_must_all_have_one(tmp_path: Path) -> None:
    write(tmp_path, requirements_txt="-r base.txt\n", base_txt="flask==3 \\\n  --hash=sha256:00\n")
    assert install_words(requirements.find(tmp_path)) == [f"--require-hashes -r {tmp_path}/requirements.txt"]


def test_an_editable_project_counts_with_its_metadata_and_binds_the_environment(tmp_path: Path) -> None:
    write(tmp_path, requirements_txt="-e ./lib\n", lib__setup_py="")
    installation = requirements.find(tmp_path)
    assert installation is not None
    assert installation.is_bound
    assert tmp_path / "lib" / "setup.py" in installation.inputs


def test_a_missing_file_is_named_with_the_one_that_refers_to_it(tmp_path: Path) -> None:
    write(tmp_path, requirements_txt="-r base.txt\n")
    with pytest.raises(LockMismatch, match=r"requirements\.txt refers to .*base\.txt, which does not exist"):
        requirements.find(tmp_path)


def test_a_uv_lock_is_exported_without_its_index_and_installed_with_its_hashes(tmp_path: Path) -> None:
    installation = uv_lock.find(write(tmp_path, pyproject_toml=PROJECT, uv_lock=""))
    export, install = install_words(installation)
    assert export == (
        "export --quiet --frozen --no-header --no-emit-workspace --no-python-downloads --python "
        "{environment}/bin/python --no-dev --output-file {environment}/requirements.txt"
    )
    assert install == "--require-hashes -r {environment}/requirements.txt"


def test_the_options_of_uv_sync_choose_what_is_installed(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml=PROJECT, uv_lock="")
    installation = uv_lock.find(
        tmp_path, ["--frozen", "--group=lint", "--extra", "web", "--no-install-project"]
    )
    assert "--group lint --extra web --output-file" in install_words(installation)[0]


def test_a_package_of_a_uv_workspace_is_installed_from_its_folder(tmp_path: Path) -> None:
    workspace = '[tool.uv.workspace]\nmembers = ["apps/*"]\n'
    write(tmp_path, pyproject_toml=workspace, uv_lock="", apps__shop__pyproject_toml=PACKAGED)
    installation = uv_lock.find(tmp_path, ["--package", "shop"])
    assert install_words(installation)[-1] == f"--no-deps --editable {tmp_path}/apps/shop"
    assert installation is not None
    assert (installation.is_bound, installation.python.required) == (True, ">=3.11")


def test_a_poetry_lock_pins_what_the_main_group_names(tmp_path: Path) -> None:
    installation = pinned_lock.find_poetry(write(tmp_path, pyproject_toml=POETRY, poetry_lock=LOCK))
    assert install_words(installation) == [
        "--constraint {environment}/constraints.txt django psycopg[binary] "
        "tool @ git+https://example.com/tool.git@v1 colorama ; sys_platform == 'win32'"
    ]
    assert installation is not None
    assert installation.files == {"constraints.txt": "flask==3.1.0\n"}
    assert installation.python.required == ">=3.11,<4"


def test_a_poetry_project_without_a_lock_gets_what_its_constraints_accept(tmp_path: Path) -> None:
    installation = kinds.find_python(write(tmp_path, pyproject_toml=POETRY))
    words = install_words(installation)[0].split()
    assert "django>=5.2,<6" in words
    assert "psycopg[binary]>=3.2,<4" in words
    assert ["tool", "@", "git+https://example.com/tool.git@v1"][0] in words
    assert "--constraint" not in words
    assert not [word for word in words if word.startswith(("pytest", "sphinx"))]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("*", ""),
        ("^1.2.3", ">=1.2.3,<2"),
        ("^1.2", ">=1.2,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1", ">=1,<2"),
        ("1.*", "==1.*"),
        ("1.2.3", "==1.2.3"),
        ("==1.2.3", "==1.2.3"),
        ("~=1.2", "~=1.2"),
        (">= 1.2, < 1.5", ">=1.2,<1.5"),
        (">=1.2 <1.5", ">=1.2,<1.5"),
        ("^2.0b1", ">=2.0b1,<3"),
        ("^3.9 || ^4.1", ""),
    ],
)
def test_poetry_s_constraints_are_understood(constraint: str, expected: str) -> None:
    assert version_constraint.specifier(constraint) == expected


@pytest.mark.parametrize(
    ("options", "has"),
    [
        ((), {"django", "pytest"}),
        (("--without", "dev"), {"django"}),
        (("--no-dev",), {"django"}),
        (("--only=dev",), {"pytest"}),
        (("--with", "docs", "--no-root"), {"django", "pytest", "sphinx"}),
    ],
)
def test_the_options_of_poetry_install_choose_groups(
    options: tuple[str, ...], has: set[str], tmp_path: Path
) -> None:
    write(tmp_path, pyproject_toml=POETRY, poetry_lock=LOCK)
    words = install_words(pinned_lock.find_poetry(tmp_path, options))[0].split()
    assert {"django", "pytest", "sphinx"} & set(words) == has


def test_a_pdm_lock_pins_the_standard_dependencies_and_groups_of_development(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml=PROJECT, pdm_lock=LOCK)
    assert install_words(pinned_lock.find_pdm(tmp_path)) == [
        "--constraint {environment}/constraints.txt flask>=3"
    ]
    assert install_words(pinned_lock.find_pdm(tmp_path, ())) == [
        "--constraint {environment}/constraints.txt flask>=3 pytest"
    ]


def test_a_project_without_a_lock_installs_what_pyproject_names(tmp_path: Path) -> None:
    installation = pyproject.find(write(tmp_path, pyproject_toml=PROJECT))
    assert install_words(installation) == [f"-r {tmp_path}/pyproject.toml"]
    assert install_words(pyproject.find(write(tmp_path, pyproject_toml=PACKAGED))) == [
        f"-r {tmp_path}/pyproject.toml",
        f"--no-deps --editable {tmp_path}",
    ]


def test_a_pyproject_of_tools_alone_is_no_project(tmp_path: Path) -> None:
    assert pyproject.find(write(tmp_path, pyproject_toml="[tool.ruff]\n")) is None


def test_requirements_come_before_a_lock_and_that_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml=PROJECT, uv_lock="", requirements_txt="flask\n")
    locks = []
    for name in ("requirements.txt", "uv.lock", "pyproject.toml"):
        installation = kinds.find_python(tmp_path)
        assert installation is not None
        locks.append(installation.lock)
        (tmp_path / name).unlink()
    assert locks == [tmp_path / name for name in ("requirements.txt", "uv.lock", "pyproject.toml")]
    assert kinds.find_python(tmp_path) is None


@pytest.mark.parametrize(
    ("files", "wish"),
    [
        ({"pyproject_toml": PROJECT}, PythonWish(required=">=3.11")),
        ({"pyproject_toml": POETRY.replace("^3.11", "~3.12")}, PythonWish(required=">=3.12,<3.13")),
        ({"pyproject_toml": POETRY.replace("^3.11", ">=3.9,<3.13")}, PythonWish(required=">=3.9,<3.13")),
        ({}, PythonWish()),
    ],
)
def test_a_project_says_its_python(files: dict[str, str], wish: PythonWish, tmp_path: Path) -> None:
    assert python_wish(write(tmp_path, **files)) == wish


def test_a_pinned_python_is_preferred(tmp_path: Path) -> None:
    (tmp_path / ".python-version").write_text("3.12.4\n")
    assert python_wish(tmp_path) == PythonWish(preferred="3.12")


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(LockMismatch, match=r"pyproject\.toml cannot be read"):
        pyproject.find(write(tmp_path, pyproject_toml="[project"))
