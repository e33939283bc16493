"""Which base images are made, which are left alone, and from what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from stack.errors import BuildFailed, CommandFailed, EngineUnavailable
from stack.system.completed import Completed
from tools import base_images
from tools.debian import Debian, authorities

REAL, UNKNOWN_RECIPE = "", "0123456789abcdef"


class Docker:
    """A pretended Engine: the images it has, by tag, with the recipe in their label; a registry's tags."""

    def __init__(
        self, images: dict[str, str] | None = None, registry: Sequence[str] = (), mirrors: str = "[]"
    ) -> None:
        self.images, self.registry, self.mirrors = dict(images or {}), registry, mirrors
        self.commands: list[tuple[str, ...]] = []
        self.deadlines: dict[str, float | None] = {}
        self.broken: tuple[str, ...] = ()

    def __call__(
        self, argv: Sequence[str | Path], *, timeout_s: float | None = None, check: bool = True
    ) -> Completed:
        words = tuple(str(word) for word in argv)
        self.commands.append(words)
        self.deadlines[" ".join(words[:2])] = timeout_s
        code, output = self._respond(words)
        if words[: len(self.broken)] == self.broken != ():
            code, output = 1, "it is broken"
        if check and code:
            raise CommandFailed(words, f"ended with {code}", returncode=code, stderr=output)
        return Completed(argv=words, returncode=code, stdout=output, stderr="")

    def _respond(self, words: tuple[str, ...]) -> tuple[int, str]:
        match words:
            case ("docker", "image", "inspect", *_, tag):
                return (0, self.images[tag] + "\n") if tag in self.images else (1, "")
            case ("docker", "info", *_):
                return 0, self.mirrors
            case ("docker", "manifest", "inspect", tag) | ("docker", "pull", "--quiet", tag):
                return (0, "") if tag in self.registry else (1, "")
            case ("apt-get", "indextargets", *_):
                return 0, "Other x http://other\nDebian bookworm http://m/debian/\n"
            case _:
                return 0, ""

    def commands_starting(self, *start: str) -> list[tuple[str, ...]]:
        return [words for words in self.commands if words[: len(start)] == start]

    def built_tags(self) -> set[str]:
        return {words[words.index("--tag") + 1] for words in self.commands_starting("docker", "build")}


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.debian.shutil.which", lambda name: f"/usr/bin/{name}")


def make(docker: Docker, *tags: str, replace: bool = False) -> tuple[dict[str, str], list[str]]:
    messages: list[str] = []
    outcomes = base_images.make(tags=tags, replace=replace, say=messages.append, run=docker)
    return {outcome.tag: outcome.state for outcome in outcomes}, messages


def current_digest(tag: str) -> str:
    builder = base_images.ImageBuilder(run=Docker(), say=lambda _: None)
    return builder.recipe_digest(base_images.recipe_for(tag))


def test_a_real_image_is_not_replaced_and_a_message_says_so() -> None:
    docker = Docker({"redis:7": REAL})
    assert make(docker, "redis:7") == (
        {"redis:7": "present"},
        ["redis:7: already here, nothing to make"],
    )
    assert not docker.built_tags()


def test_a_tag_that_can_be_pulled_is_not_built_and_a_message_says_so() -> None:
    docker = Docker(registry=["redis:7"])
    states, messages = make(docker, "redis:7")
    assert states == {"redis:7": "pullable"}
    assert messages == ["redis:7: a registry has it, nothing to make"]
    assert not docker.built_tags()


def test_what_can_not_be_had_is_made_on_the_release_it_needs_with_a_label() -> None:
    docker = Docker()
    states, messages = make(docker, "postgres:15")
    assert states == {"postgres:15": "made"}
    (build,) = docker.commands_starting("docker", "build")
    assert "BASE=ecommerce-debian:bookworm" in build
    assert f"{base_images.LABEL}={current_digest('postgres:15')}" in build
    assert any(line.startswith("postgres:15: made from Debian bookworm's packages in ") for line in messages)


def test_a_release_is_unpacked_once_for_all_the_images_that_need_it() -> None:
    docker = Docker()
    make(docker, "postgres:15", "redis:7", "alpine/curl:latest", "python:3.13-slim")
    assert sorted(words[-1] for words in docker.commands_starting("docker", "import")) == [
        "ecommerce-debian:bookworm",
        "ecommerce-debian:trixie",
    ]
    assert len(docker.built_tags()) == 4


def test_a_release_that_was_unpacked_before_is_used_again() -> None:
    base = base_images.ImageBuilder(run=Docker(), say=lambda _: None).base_digest()
    docker = Docker({"ecommerce-debian:bookworm": base})
    make(docker, "redis:7")
    assert not docker.commands_starting("docker", "import")
    assert docker.built_tags() == {"redis:7"}


def test_an_image_of_ours_is_kept_while_its_recipe_is_the_same() -> None:
    docker = Docker({"redis:7": current_digest("redis:7")})
    assert make(docker, "redis:7")[0] == {"redis:7": "present"}


def test_an_image_of_ours_is_made_again_when_its_recipe_has_changed() -> None:
    docker = Docker({"redis:7": UNKNOWN_RECIPE})
    assert make(docker, "redis:7")[0] == {"redis:7": "made"}


def test_a_real_image_is_replaced_only_when_that_is_asked_for() -> None:
    docker = Docker({"redis:7": REAL}, registry=["redis:7"])
    states, messages = make(docker, "redis:7", replace=True)
    assert states == {"redis:7": "made"}
    assert any("`inv build --no-cache`" in line for line in messages)
    assert "--no-cache" in docker.commands_starting("docker", "build")[0]


def test_a_registry_has_seconds_to_answer() -> None:
    docker = Docker()
    make(docker, "redis:7")
    assert docker.deadlines["docker manifest"] == base_images.REGISTRY_DEADLINE_S <= 10


def test_an_engine_with_mirrors_is_asked_to_pull_because_only_it_knows_them() -> None:
    docker = Docker(registry=["redis:7"], mirrors='["mirror"]')
    assert make(docker, "redis:7")[0] == {"redis:7": "pullable"}
    assert docker.commands_starting("docker", "pull")
    assert not docker.commands_starting("docker", "manifest")


def test_without_an_engine_the_error_tells_how_to_start_one() -> None:
    docker = Docker()
    docker.broken = ("docker", "version")
    with pytest.raises(EngineUnavailable, match=r"docker-engine\.sh start"):
        make(docker, "redis:7")


def test_a_tag_without_a_recipe_is_named_before_anything_is_made() -> None:
    docker = Docker()
    with pytest.raises(BuildFailed, match=r"mysql:8.*no recipe"):
        make(docker, "redis:7", "mysql:8")
    assert not docker.built_tags()


def test_a_build_that_fails_names_its_tag_and_says_why() -> None:
    docker = Docker()
    docker.broken = ("docker", "build")
    with pytest.raises(BuildFailed, match="redis:7 could not be made: it is broken"):
        make(docker, "redis:7")


@pytest.mark.parametrize(
    ("tag", "folder"),
    [
        ("python:3.13", "python"),
        ("python:3.13-slim", "python"),
        ("docker.io/library/postgres:15", "postgres"),
        ("postgres:15-bookworm", "postgres"),
        ("redis:7", "redis"),
        ("alpine/curl", "curl"),
        ("alpine/curl:8.9.1", "curl"),
    ],
)
def test_a_recipe_stands_in_for_every_variant_of_its_version(tag: str, folder: str) -> None:
    assert base_images.recipe_for(tag).folder == folder


@pytest.mark.parametrize(
    "tag",
    ["python:3.12", "python:3.130", "postgres:16", "redis", "redis:7-alpine", "redis@sha256:00", "r:5/redis"],
)
def test_another_version_or_system_has_no_recipe(tag: str) -> None:
    with pytest.raises(BuildFailed):
        base_images.recipe_for(tag)


def test_a_recipe_is_another_one_when_a_file_of_it_changes(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a", encoding="utf-8")
    before = base_images.digest(tmp_path)
    assert before == base_images.digest(tmp_path)
    (tmp_path / "Dockerfile").chmod(0o755)
    executable = base_images.digest(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM b", encoding="utf-8")
    assert len({before, executable, base_images.digest(tmp_path)}) == 3


def test_the_mirror_of_this_machine_serves_the_other_release_too() -> None:
    debian = Debian.of_this_machine(Docker())
    assert debian.sources("trixie") == ("deb http://m/debian/ trixie main",)


def test_security_updates_are_in_the_images_where_the_machine_has_them() -> None:
    debian = Debian(run=Docker(), archive="http://m/debian", security="http://m/sec")
    assert debian.sources("bookworm")[1] == "deb http://m/sec bookworm-security main"


def test_without_apt_the_tool_chooses_its_own_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.debian.shutil.which", lambda name: None if name == "apt-get" else name)
    assert Debian.of_this_machine(Docker()).sources("trixie") == ()


@pytest.mark.parametrize(("account", "installed"), [(0, True), (1000, False)])
def test_mmdebstrap_is_installed_by_root_and_asked_for_by_others(
    monkeypatch: pytest.MonkeyPatch, account: int, installed: bool
) -> None:
    monkeypatch.setattr("tools.debian.shutil.which", lambda name: None if name == "mmdebstrap" else name)
    monkeypatch.setattr("tools.debian.os.geteuid", lambda: account)
    docker = Docker()
    if installed:
        Debian.of_this_machine(docker)
        assert docker.commands_starting("env")[-1][-1] == "mmdebstrap"
    else:
        with pytest.raises(BuildFailed, match="apt-get install mmdebstrap"):
            Debian.of_this_machine(docker)


def test_the_system_is_unpacked_with_the_authorities_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("one", encoding="utf-8")
    monkeypatch.setattr("tools.debian.AUTHORITIES", (tmp_path / "absent", bundle))
    docker = Docker()
    Debian(run=docker).write_system("trixie", tmp_path / "t.tar")
    assert docker.commands_starting("env")[0][1] == f"HOST_CA_BUNDLE={bundle}"
    before = Debian.authorities_digest()
    bundle.write_text("two", encoding="utf-8")
    assert authorities() == bundle
    assert Debian.authorities_digest() != before
