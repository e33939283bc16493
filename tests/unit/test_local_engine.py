"""The local engine with real processes that live for milliseconds."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stack.engines.local import stand_ins
from stack.engines.local.engine import LocalEngine
from stack.engines.local.launch import Launch
from stack.engines.local.process import LocalProcess
from stack.engines.local.service_variables import environment_of
from stack.engines.protocol import Exit, Running, Site
from stack.environments.service_environment import ServiceEnvironment
from stack.errors import CommandFailed, NotRunnable
from stack.model import LocalHints, Mount, Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.records import service_logs
from stack.records.service_logs import Log
from stack.system import processes

SHELL = "/bin/sh"


@pytest.fixture(autouse=True)
def directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(service_logs.log_file(tmp_path, "job"))
    yield log
    log.close()


def service_plan(tmp_path: Path, *argv: str) -> ServicePlan:
    service = Service(name="job", local=LocalHints(command=argv))
    return ServicePlan(service=service, argv=argv, environment={"A": "1"}, ports={}, cwd=tmp_path)


def site(tmp_path: Path, *, ephemeral: bool = True) -> Site:
    return Site(
        name="shop",
        folder=tmp_path / "kept",
        scratch=tmp_path / "scratch",
        run=tmp_path,
        token="the-token",
        ephemeral=ephemeral,
    )


def test_what_a_server_may_lack_is_said_when_a_stack_starts(tmp_path: Path) -> None:
    services = {
        name: ServicePlan(
            service=Service(name=name, image=image),
            argv=(),
            environment={},
            ports={},
            cwd=tmp_path,
            server_image=image,
        )
        for name, image in (
            ("cache", "redis/redis-stack-server"),
            ("db", "postgres:15"),
            ("geo", "postgis/postgis:15-3"),
        )
    }
    stack = Stack(name="shop", files=(), directory=tmp_path, services={})
    said: list[str] = []
    plan = Plan(name="shop", engine="local", stack=stack, services=services, endpoints={})
    asyncio.run(LocalEngine().prepare(plan, site(tmp_path), said.append))
    assert said == [
        "cache: redis/redis-stack-server is run as plain Redis: its modules may be missing",
        "geo: postgis/postgis:15-3 is run as plain Postgres: its extensions may be missing",
    ]


def play(tmp_path: Path, log: Log, script: str, act: Callable[[Running], Awaitable[object]]) -> object:
    """Start ``script`` in a shell, do something with it, and end it."""

    async def run_to_end() -> object:
        plan = service_plan(tmp_path, SHELL, "-c", script)
        engine = LocalEngine()
        stack = Stack(name="shop", files=(), directory=tmp_path, services={"job": plan.service})
        await engine.prepare(
            Plan(name="shop", engine="local", stack=stack, services={"job": plan}, endpoints={}),
            site(tmp_path),
            lambda said: None,
        )
        running = await engine.start(plan, log)
        try:
            async with asyncio.timeout(10):
                return await act(running)
        finally:
            await running.stop(0)
            await asyncio.sleep(0.25)

    return asyncio.run(run_to_end())


def test_an_end_is_noticed_with_its_code_and_its_last_words(tmp_path: Path, log: Log) -> None:
    assert play(tmp_path, log, "echo out; echo err >&2; exit 3", lambda running: running.wait()) == Exit(
        code=3
    )
    assert sorted(log.tail()) == ["err", "out"]


def test_a_failure_at_the_end_of_a_service_reaches_who_waits_for_it(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("odd")

    async def wait(running: Running) -> None:
        monkeypatch.setattr(running, "_lacked_memory", fail)
        await running.wait()

    with pytest.raises(RuntimeError, match="odd"):
        play(tmp_path, log, "sleep 0.05", wait)


def test_a_signal_is_a_negative_code(tmp_path: Path, log: Log) -> None:
    assert play(tmp_path, log, "kill -9 $$", lambda running: running.wait()) == Exit(code=-9)


def test_a_service_that_ignores_the_request_to_end_is_killed_after_its_grace(
    tmp_path: Path, log: Log
) -> None:
    async def stop(running: Running) -> float:
        while "ready" not in log.tail():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        began = time.monotonic()
        await running.stop(0.1)
        return time.monotonic() - began

    took = play(tmp_path, log, "trap '' TERM; echo ready; while :; do sleep 0.05; done", stop)
    assert isinstance(took, float)
    assert 0.1 <= took < 5


def test_what_a_service_started_ends_with_it(tmp_path: Path, log: Log) -> None:
    async def stop(running: Running) -> int:
        while not log.tail():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await running.stop(0.1)
        return int(log.tail()[0])

    child = play(tmp_path, log, "sleep 60 & echo $!; wait", stop)
    assert isinstance(child, int)
    assert processes.started(child) is None


@pytest.mark.parametrize("tty", [False, True])
def test_a_service_that_cannot_be_started_leaves_no_descriptor_open(
    tmp_path: Path, log: Log, tty: bool
) -> None:
    plan = service_plan(tmp_path, "true")
    plan = replace(plan, service=replace(plan.service, stdin_open=True, tty=tty))
    launch = Launch(argv=(str(tmp_path / "missing"),), cwd=tmp_path)

    async def start() -> None:
        before = sorted(os.listdir("/proc/self/fd"))
        with pytest.raises(CommandFailed, match="missing"):
            LocalProcess(plan, launch, log)
        assert sorted(os.listdir("/proc/self/fd")) == before

    asyncio.run(start())


def test_a_check_is_executed_where_the_service_runs(tmp_path: Path, log: Log) -> None:
    asked = (SHELL, "-c", "pwd; echo $A $STACK_SERVICE; exit 4")
    found = play(tmp_path, log, "sleep 60", lambda running: running.execute(asked, 5.0))
    assert found == (4, f"{tmp_path}\n1 job\n")


def test_a_missing_program_is_named_with_two_ways_out(tmp_path: Path, log: Log) -> None:
    async def start() -> None:
        engine = LocalEngine()
        engine._site = site(tmp_path)
        await engine.start(service_plan(tmp_path, "no-such-program"), log)

    with pytest.raises(NotRunnable, match=r"services\.job: there is no program 'no-such-program'") as caught:
        asyncio.run(start())
    assert "x-local" in caught.value.hint
    assert "docker" in caught.value.hint


def test_a_service_sees_nothing_of_the_users_own_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET", "mine")
    monkeypatch.setenv("TZ", "UTC")
    installed = ServiceEnvironment(programs=(Path("/env/bin"),), virtualenv=Path("/env"))
    found = environment_of(service_plan(tmp_path), "the-token", installed)
    assert "AWS_SECRET" not in found
    assert (found["TZ"], found["A"], found[processes.TOKEN]) == ("UTC", "1", "the-token")
    assert found["PATH"].split(os.pathsep)[:2] == [str(stand_ins.RUNNERS), "/env/bin"]
    assert found["VIRTUAL_ENV"] == "/env"


@pytest.mark.parametrize("ephemeral", [True, False])
def test_named_volumes_outlive_only_a_stack_that_is_kept(tmp_path: Path, ephemeral: bool) -> None:
    mounts = (
        Mount(type="volume", target="/data", source="data"),
        Mount(type="volume", target="/part", source="data", subpath="a/b"),
        Mount(type="bind", target="/code", source="/src"),
        Mount(type="tmpfs", target="/tmp"),
    )
    service = Service(name="db", mounts=mounts)
    stack = Stack(
        name="s", files=(), directory=tmp_path, services={"db": service}, volumes={"data": "shop-data"}
    )
    found = LocalEngine().folders(stack, site(tmp_path, ephemeral=ephemeral))["db"]
    home = tmp_path / ("scratch" if ephemeral else "kept")
    assert found == {
        "/data": str(home / "volumes" / "shop-data"),
        "/part": str(home / "volumes" / "shop-data" / "a" / "b"),
        "/code": "/src",
        "/tmp": str(tmp_path / "scratch" / "db" / "tmp"),
    }


def test_the_interpreter_of_the_engine_is_not_that_of_a_service(tmp_path: Path) -> None:
    found = environment_of(service_plan(tmp_path), "t", ServiceEnvironment())
    assert "PYTHONPATH" not in found
    assert sys.prefix not in found.get("VIRTUAL_ENV", "")
