"""The images that are built for a container engine: their tags and the words that build them."""

from __future__ import annotations

import os
from pathlib import Path

from stack.engines.container import images
from stack.model import Build
from stack.system.directories import home_id


def test_the_same_content_has_the_same_tag_and_other_content_another(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "app.py").write_text("1")
    (tmp_path / "tests").mkdir()
    build = Build(context=tmp_path)
    first = images.tag("web", build)
    (tmp_path / "tests" / "test_app.py").write_text("not in the image")
    (tmp_path / ".hidden").write_text("nor this")
    assert images.tag("web", build) == first
    assert images.tag("web", Build(context=tmp_path, args={"A": "1"})) != first
    assert images.tag("web", Build(context=tmp_path, target="dev")) != first
    (tmp_path / "app.py").write_text("2")
    assert images.tag("web", build) != first


def test_an_image_has_another_tag_when_its_dockerfile_or_a_file_s_right_to_run_changes(
    tmp_path: Path,
) -> None:
    context, elsewhere = tmp_path / "app", tmp_path / "docker" / "app.Dockerfile"
    context.mkdir()
    elsewhere.parent.mkdir()
    elsewhere.write_text("FROM a\n")
    script = context / "start.sh"
    script.write_text("#!/bin/sh\n")
    build = Build(context=context, dockerfile="../docker/app.Dockerfile")
    first = images.tag("web", build)
    elsewhere.write_text("FROM b\n")
    second = images.tag("web", build)
    script.chmod(0o755)
    assert len({first, second, images.tag("web", build)}) == 3


def test_what_is_no_file_is_no_content_and_a_link_is_its_target(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    first = images.tag("web", Build(context=tmp_path))
    link.unlink()
    link.symlink_to("elsewhere")
    assert images.tag("web", Build(context=tmp_path)) != first


def test_a_dockerfile_of_the_compose_file_is_written_for_a_build_by_hand(tmp_path: Path) -> None:
    file = Path(images.dockerfile_of(Build(context=Path("/code"), dockerfile_text="FROM a\n"), tmp_path))
    assert (file.parent, file.read_text()) == (tmp_path, "FROM a\n")


def test_a_build_from_elsewhere_is_given_its_address(tmp_path: Path) -> None:
    build = Build(context=Path("/code"), url="https://example.com/a.git", dockerfile="d/File")
    assert images.dockerfile_of(build, tmp_path) == "d/File"
    assert images.build_words("tag:1", build, "d/File")[-1] == "https://example.com/a.git"


def test_an_image_is_built_from_its_recipe_stage_and_arguments(tmp_path: Path) -> None:
    build = Build(context=Path("/code"), dockerfile="d/File", target="last", args={"A": "1"})
    assert images.build_words("tag:1", build, images.dockerfile_of(build, tmp_path)) == [
        *("build", "--tag", "tag:1", "--file", "/code/d/File", "--target", "last"),
        *("--label", f"ecommerce.stack.image={home_id()}", "--build-arg", "A=1", "/code"),
    ]
