from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import evidence
from cli.terminal import Ended, Terminal, inv

ENGINE = os.environ.get("CLI_ENGINE", "local")
"""Which engine runs the stacks: ``local`` or ``docker``."""

collect_ignore = [] if ENGINE == "local" else ["test_observability.py"]
"""No registry has to give Prometheus' image: its test is one of the local engine."""

PORTS = ("BACKEND_PORT", "GATEWAY_PORT", "POSTGRES_PORT", "REDIS_PORT")


@pytest.fixture(scope="session", autouse=True)
def home() -> Iterator[None]:
    """Keep the stacks of this suite in a state folder of their own, which the servers' account may enter."""
    with tempfile.TemporaryDirectory(prefix="cli-") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)
        patch.setenv("STACK_HOME", folder)
        patch.setenv("NO_COLOR", "1")
        patch.delenv("CI", raising=False)  # on a terminal the output is a person's
        patch.delenv("STACK_NAME", raising=False)
        for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
            patch.delenv(name, raising=False)  # no page is opened
        yield


@pytest.fixture(scope="session")
def environment() -> Mapping[str, str]:
    """The variables that name this suite's own stack."""
    return {"STACK_NAME": f"cli-{secrets.token_hex(3)}"}


@pytest.fixture(scope="session")
def up(environment: Mapping[str, str]) -> Iterator[Ended]:
    """The stack `local`, started by `inv up`; what that printed."""
    started = inv(f"up --engine {ENGINE}", environment, limit_s=300)
    assert started.code == 0, started.out + started.err
    yield started
    ended = inv("down --volumes", environment)
    assert (ended.code, ended.err) == (0, "")


@pytest.fixture
def typed(up: Ended, environment: Mapping[str, str]) -> Callable[[str], Ended]:
    """Type a command on the running stack."""
    return lambda words: inv(words, environment)


@pytest.fixture
def terminal(up: Ended, environment: Mapping[str, str]) -> Iterator[Callable[[str], Terminal]]:
    """Type a command on the running stack, on a terminal."""
    terminals: list[Terminal] = []

    def open_terminal(words: str) -> Terminal:
        terminals.append(Terminal(words, environment))
        return terminals[-1]

    yield open_terminal
    for one in terminals:
        one.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Path]:
    """The compose file of a small project elsewhere; its stack is down afterwards."""
    folder = tmp_path / f"cli-{secrets.token_hex(3)}"
    evidence.watch(folder)
    folder.mkdir()
    file = folder / "compose.yml"
    file.write_text(
        "services:\n"
        "  cache: {image: 'redis:7', restart: 'no'}\n"
        "  spare: {image: 'redis:7', ports: ['6379'], profiles: [spare]}\n"
    )
    yield file
    inv(f"down --volumes --compose {file}", {})
