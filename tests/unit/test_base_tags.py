"""Which images a stack asks for: its services' own, and those that their Dockerfiles start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stack.errors import ComposeError
from stack.model import Build
from tools import base_images, base_tags


def dockerfile(tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    def read(text: str, **args: str) -> tuple[str, ...]:
        (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")
        return base_tags.of_build(Build(context=tmp_path, args=args))

    return read


def test_the_stages_of_a_dockerfile_are_no_images(tmp_path: Path) -> None:
    read = dockerfile(tmp_path)
    text = "# FROM no:1\nFROM --platform=linux/amd64 python:3.13-slim AS Build\nFROM build\nFROM scratch\n"
    text += "COPY --from=build a b\n"
    assert read(text) == ("python:3.13-slim",)


def test_arguments_name_images(tmp_path: Path) -> None:
    read = dockerfile(tmp_path)
    text = "ARG V=3.13\nARG BASE\nFROM python:${V}-slim\nFROM $BASE\nFROM ${NONE:-redis:7}\n"
    assert read(text, BASE="postgres:15") == ("python:3.13-slim", "postgres:15", "redis:7")
    assert read(text, BASE="postgres:15", V="3.12")[0] == "python:3.12-slim"


def test_an_image_that_files_are_copied_from_is_fetched_a_stage_number_is_not(tmp_path: Path) -> None:
    text = "FROM a:1\nCOPY --chown=1 \\\n  --from=b:2 x y\nCOPY --from=0 x y\n"
    assert dockerfile(tmp_path)(text) == ("a:1", "b:2")


def test_a_missing_dockerfile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match="Dockerfile cannot be read"):
        base_tags.of_build(Build(context=tmp_path))


def test_a_stack_asks_for_the_images_of_its_services_and_of_their_builds(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM python:3.13-slim\n", encoding="utf-8")
    file = tmp_path / "compose.yml"
    file.write_text(
        "services:\n"
        "  db: {image: 'postgres:15', profiles: [never]}\n"
        "  app: {build: ./app, image: 'ours:dev'}\n",
        encoding="utf-8",
    )
    assert base_tags.asked([file]) == ("alpine/curl:latest", "postgres:15", "python:3.13-slim")


def test_every_image_that_the_project_asks_for_has_a_recipe() -> None:
    tags = base_tags.asked()
    assert {"postgres:15", "redis:7", "alpine/curl:latest"} <= set(tags)
    assert all(base_images.recipe_for(tag) for tag in tags)
