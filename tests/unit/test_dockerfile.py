from __future__ import annotations

from pathlib import Path

import pytest

from stack.errors import ComposeError
from stack.plan import dockerfile


def read(folder: Path, text: str) -> dockerfile.Recipe:
    (folder / "Dockerfile").write_text(text)
    return dockerfile.read(folder / "Dockerfile")


def test_only_the_last_stage_counts(tmp_path: Path) -> None:
    recipe = read(tmp_path, 'FROM a AS build\nCMD ["make"]\nENV A=1\nFROM b\nENV B=2\nCMD ["run", "it"]\n')
    assert recipe.command == ("run", "it")
    assert recipe.environment == {"B": "2"}


def test_an_entrypoint_resets_the_command_before_it(tmp_path: Path) -> None:
    recipe = read(tmp_path, 'FROM a\nCMD ["old"]\nENTRYPOINT ["start"]\n')
    assert (recipe.entrypoint, recipe.command) == (("start",), ())


def test_the_shell_form_is_run_by_a_shell(tmp_path: Path) -> None:
    assert read(tmp_path, "FROM a\nCMD run $PORT\n").command == ("/bin/sh", "-c", "run $PORT")


def test_continued_lines_and_comments_between_them_are_one_instruction(tmp_path: Path) -> None:
    recipe = read(tmp_path, "FROM a\nENV A=1 \\\n# why\n    B='two words'\n")
    assert recipe.environment == {"A": "1", "B": "two words"}


def test_values_that_mean_something_only_inside_the_image_are_left_out(tmp_path: Path) -> None:
    recipe = read(
        tmp_path, "FROM a\nENV PATH=/venv/bin:$PATH KEEP=yes PYTHONDONTWRITEBYTECODE=1\nENV OLD form\n"
    )
    assert recipe.environment == {"KEEP": "yes", "OLD": "form"}


def test_a_missing_dockerfile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match=r"Dockerfile: the Dockerfile cannot be read"):
        dockerfile.read(tmp_path / "Dockerfile")
