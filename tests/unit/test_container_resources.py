"""What `inv prune` removes from a container engine, and says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from recorded_stacks import dead_pid, write_state

from stack.control import sweep
from stack.engines import registry
from stack.engines.container import resources
from stack.errors import EngineUnavailable
from stack.records import folders, state
from stack.system.directories import home_id

GONE = "deleted: sha256:1\nuntagged: a:1\nuntagged: b:1\n"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Total reclaimed space: 0B", ""),
        (f"{GONE}Total reclaimed space: 12.5MB", "2 images of {} (Total reclaimed space: 12.5MB)"),
        (
            f"{GONE}Total reclaimed space: 0B",
            "2 images of {0} (their layers stay in its build cache: `{0} builder prune`)",
        ),
    ],
)
def test_removed_images_are_counted_with_the_space_reclaimed(tmp_path: Path, said: str, words: str) -> None:
    program = tmp_path / "engine"
    program.write_text(f"#!/bin/sh\ncat <<END\n{said}\nEND\n")
    program.chmod(0o755)
    assert resources.remove_images(str(program)) == words.format(program)


def test_what_cannot_be_removed_because_the_engine_is_gone_is_said(tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'Is the daemon running?' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(EngineUnavailable, match=r"what it runs of shop goes on \(Is the daemon running\?\)"):
        resources.remove(str(program), "shop", volumes=True)


def test_without_an_engines_command_nothing_is_left(tmp_path: Path) -> None:
    resources.remove(str(tmp_path / "docker"), "shop", volumes=True)


def test_a_stack_whose_engine_is_gone_hinders_no_other_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*words: object, **options: object) -> None:
        raise EngineUnavailable("docker does not answer.")

    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    written = write_state("shop", tmp_path, pid=dead_pid())
    state.write(structs.replace(written, engine="docker"))
    monkeypatch.setattr(registry, "remove_leftovers", gone)
    assert sweep.sweep() == ["could not clean up after shop: docker does not answer."]
    assert folders.names() == ("shop",)


def test_a_stack_whose_engine_was_gone_at_its_end_is_not_said_to_have_lost_its_guardian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    written = write_state("shop", tmp_path, pid=dead_pid())
    state.write(structs.replace(written, phase="left"))
    assert sweep.sweep() == ["cleaned up after shop, whose engine did not answer when it was ended"]


VOLUMES = """#!/bin/sh
echo "$@" >> {log}
case "$1 $2 $*" in
"volume ls "*{home}*) echo ended_data ended_more up_data ;;
"volume ls "*project=ended*) echo ended_data ended_more ;;
"volume inspect "*ended_*) echo ended ;;
"volume inspect "*up_*) echo up ;;
esac
"""


@pytest.mark.parametrize(
    ("data", "words"),
    [(True, "removed the data of ended in docker"), (False, "kept the data of ended in docker; {}")],
)
def test_the_volumes_of_stacks_of_this_home_that_are_not_up_go_with_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bool, words: str
) -> None:
    program, log = tmp_path / "docker", tmp_path / "log"
    program.write_text(VOLUMES.format(log=log, home=f"{resources.HOME_LABEL}={home_id()}"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(registry, "why_not", lambda name: None if name == "docker" else "not here")
    said = list(registry.remove_volumes(["up"], data=data))
    assert said == [words.format("`inv prune --all` deletes it")]
    removals = [line for line in log.read_text().splitlines() if " rm " in line]
    assert removals == (["volume rm ended_data ended_more"] if data else [])
