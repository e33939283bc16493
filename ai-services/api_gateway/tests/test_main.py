"""What ``python -m gateway`` does, step by step; the other tests start it as a process."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from gateway import __main__ as program
from gateway.settings import Settings

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Replace the steps by notes of them, in an environment of its own."""
    noted: list[object] = []
    monkeypatch.setattr(program.os, "environ", {"PORT": "9000", "LOG_LEVEL": "ERROR"})
    monkeypatch.setattr(
        program.logging.config, "dictConfig", lambda given: noted.append(given["root"]["level"])
    )
    monkeypatch.setattr(program, "serve", lambda settings: noted.append(settings.port))
    return noted


def test_it_logs_and_serves(steps: list[object]) -> None:
    program.main()
    assert steps == ["ERROR", 9000]


def test_an_invalid_environment_exits_with_one_sentence() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "gateway"],
        cwd=PROJECT,
        env={"PORT": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == "api-gateway: PORT='none' is not a whole number above 0.\n"


def test_an_invalid_environment_is_one_sentence_and_a_2(
    steps: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(program.os.environ, "PORT", "no")
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert (ended.value.code, steps) == (2, [])
    assert capsys.readouterr().err.startswith("api-gateway: PORT")


@pytest.mark.usefixtures("few_files")
def test_an_address_for_metrics_that_is_taken_is_one_sentence_and_a_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: Settings) -> None:
        raise OSError("taken")

    monkeypatch.setattr(program.metrics, "start", refuse)
    with pytest.raises(SystemExit) as ended:
        program.serve(Settings())
    assert ended.value.code == 2
    assert capsys.readouterr().err == "api-gateway: METRICS_ADDRESS cannot be used: taken\n"


@pytest.fixture
def few_files() -> Iterator[None]:
    """Allow few open files, as many systems do."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_files")
@pytest.mark.parametrize("started", [True, False])
def test_a_server_that_did_not_start_is_a_3(monkeypatch: pytest.MonkeyPatch, started: bool) -> None:
    class Server:
        def __init__(self, config: uvicorn.Config) -> None:
            assert callable(config.app)  # the application is imported before a port opens
            self.started = started
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            assert soft == hard

        def run(self) -> None:
            noted.append("run")
            raise KeyboardInterrupt

    noted: list[str] = []
    monkeypatch.setattr(program.tracing, "start", lambda: noted.append("tracing"))
    monkeypatch.setattr(program.metrics, "start", lambda _: noted.append("metrics"))
    monkeypatch.setattr(program.gc, "freeze", lambda: noted.append("freeze"))
    monkeypatch.setattr(uvicorn, "Server", Server)
    if started:
        program.serve(Settings())
    else:
        with pytest.raises(SystemExit) as ended:
            program.serve(Settings())
        assert ended.value.code == 3
    assert noted == ["tracing", "metrics", "freeze", "run"]
