"""The shop's own audit, asked for from outside: ``manage.py check_invariants`` where the backend runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

TIMEOUT_S = 120.0


def audit() -> str:
    """Return what `check_invariants` said of the stack that STACK_NAME names.

    Raises:
        AssertionError: something does not agree, or there is no `inv` to ask with.
    """
    ended = subprocess.run(
        [*_inv(), "manage", "check_invariants", "--stack", os.environ["STACK_NAME"]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )
    wrong = [line for line in ended.stdout.splitlines() if not line.startswith("ok ")]
    said = "\n".join(["the books do not agree after all tests (inv manage check_invariants):", *wrong])
    assert ended.returncode == 0, said
    return ended.stdout


def _inv() -> list[str]:
    # The Python that runs the stack, where it said which: a virtual environment need not be on the PATH.
    if python := os.environ.get("STACK_PYTHON"):
        return [python, "-m", "invoke"]
    program = shutil.which("inv")
    assert program is not None, "STACK_NAME is set, but neither STACK_PYTHON nor an `inv` on the PATH"
    return [program]


@pytest.fixture(scope="session")
def books_agree(request: pytest.FixtureRequest) -> Iterator[None]:
    """After all that this session did, stock, orders and money agree; an interrupted one is not asked.

    A stack that is not ours (no STACK_NAME) cannot be asked from here; its owner runs `check_invariants`.
    """
    yield
    if os.environ.get("STACK_NAME") and request.session.exitstatus != pytest.ExitCode.INTERRUPTED:
        print(audit(), end="")
