"""What `inv prune` says of the images that it removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.engines.container import resources

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
