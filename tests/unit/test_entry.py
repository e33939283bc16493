from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.engines.local import entry
from stack.errors import NotRunnable


def script(folder: Path, text: bytes, mode: int = 0o755) -> Path:
    path = folder / "start.sh"
    path.write_bytes(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("text", "mode", "cause", "cure"),
    [
        (b"#!/bin/sh\r\nexec sleep 1\r\n", 0o755, "its lines end as on Windows (CRLF)", "sed -i"),
        (b"#!/bin/sh\nexec sleep 1\n", 0o644, "it is not executable", "chmod +x"),
        (b"exec sleep 1\n", 0o755, "its first line names no interpreter", "#!/bin/sh"),
        (b"#!/no/such/bash\n", 0o755, "there is no /no/such/bash here", "first line"),
    ],
)
def test_a_script_that_the_kernel_would_refuse_is_refused_with_cause_and_cure(
    tmp_path: Path, text: bytes, mode: int, cause: str, cure: str
) -> None:
    script(tmp_path, text, mode)
    with pytest.raises(NotRunnable) as caught:
        entry.resolve("web", ("./start.sh",), path="", cwd=tmp_path)
    assert caught.value.message == f"services.web: './start.sh' cannot be run: {cause}."
    assert cure in caught.value.hint


def test_a_good_script_and_a_binary_are_run(tmp_path: Path) -> None:
    path = script(tmp_path, b"#!/bin/sh\nexit 0\n")
    assert entry.resolve("web", ("./start.sh", "a"), path="", cwd=tmp_path) == (str(path), "a")
    assert entry.resolve("web", ("sh", "-c", "x"), path=os.defpath, cwd=tmp_path)[0].endswith("/sh")


def test_a_program_that_is_not_there_is_named_with_the_folder() -> None:
    with pytest.raises(NotRunnable, match=r"there is no program 'no-such' here \(/\)"):
        entry.resolve("web", ("no-such",), path=os.defpath, cwd=Path("/"))
