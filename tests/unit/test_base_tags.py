"""Which images a stack asks for: its services' own, and those that their Dockerfiles start from."""

from __future__ import annotations

from pathlib import Path

from tools import base_images, base_tags


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
    assert base_tags.required_tags([file]) == ("alpine/curl:latest", "postgres:15", "python:3.13-slim")


def test_every_image_that_the_project_asks_for_has_a_recipe() -> None:
    tags = base_tags.required_tags()
    assert {"postgres:15", "redis:7", "alpine/curl:latest"} <= set(tags)
    assert all(base_images.recipe_for(tag) for tag in tags)
