"""Every probe against a server that says exactly one thing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from stack.health import checks, probes
from stack.health.postgres_probe import PostgresProbe
from stack.health.probes import CommandProbe, HttpProbe, Observation, Probe, RedisProbe
from stack.model import Healthcheck, Service
from stack.plan.plan import ServicePlan

Make = Callable[[int], Probe]


def http(port: int) -> Probe:
    return HttpProbe(host="127.0.0.1", port=port, path="/health")


def redis(port: int) -> Probe:
    return RedisProbe(host="127.0.0.1", port=port)


async def none(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
    return 0, ""


def observe_answer(make: Make, answer: bytes | None, *, timeout_s: float = 2.0) -> Observation:
    """Return what a probe sees of a server that says ``answer``, or nothing at all for None."""

    async def play() -> Observation:
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
            writer.close()
            ended.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            seen = await probes.observe(make(server.sockets[0].getsockname()[1]), timeout_s)
            await ended.wait()
            await asyncio.sleep(0)
            return seen

    return asyncio.run(play())


@pytest.mark.parametrize(
    ("make", "answer", "kind", "words"),
    [
        (http, b"HTTP/1.1 200 OK\r\n\r\n", "ok", "HTTP 200"),
        (http, b"HTTP/1.1 302 Found\r\n\r\n", "ok", "HTTP 302"),
        (http, b"HTTP/1.1 503 No\r\n\r\ndatabase is down", "wrong", "HTTP 503"),
        (http, b"HTTP/1.1 404 No\r\n\r\n<html>\n  <p>gone</p> <a", "wrong", ": HTTP 404 gone"),
        (http, b"HTTP/1.1 500 No\r\n\r\n<style>p {}</style>a &lt; b", "wrong", ": HTTP 500 a &lt; b"),
        (http, b'HTTP/1.1 500 No\r\n\r\n{"a": "x<y"}', "wrong", ': HTTP 500 {"a": "x<y"}'),
        (http, b"SSH-2.0-OpenSSH\r\n\r\n", "wrong", "not HTTP: 'SSH"),
        (http, b"", "refused", "closed without an answer"),
        (redis, b"+PONG\r\n", "ok", "PONG"),
        (redis, b"-NOAUTH Authentication required.\r\n", "ok", "PONG"),
        (redis, b"-LOADING Redis is loading the dataset in memory\r\n", "wrong", "LOADING Redis is loading"),
        (redis, b"-NOPERM User default has no permissions\r\n", "wrong", "NOPERM User default has no"),
        (redis, b"", "refused", "closed without an answer"),
    ],
)
def test_each_answer_is_observed_with_its_kind_and_its_detail(
    make: Make, answer: bytes, kind: str, words: str
) -> None:
    seen = observe_answer(make, answer)
    assert seen.kind == kind
    assert words in seen.detail


def test_a_check_that_looks_for_pong_needs_the_password() -> None:
    def make(port: int) -> Probe:
        return replace(RedisProbe(host="127.0.0.1", port=port), needs_pong=True)

    seen = observe_answer(make, b"-NOAUTH Authentication required.\r\n")
    assert (seen.kind, seen.detail.rpartition(": ")[2]) == ("wrong", "NOAUTH Authentication required.")
    assert seen.permanent


@pytest.mark.parametrize(
    ("check", "needs_pong"),
    [
        ("redis-cli ping | grep PONG", True),
        ("redis-cli -a $$PASSWORD ping | grep PONG", False),
        ("redis-cli ping || exit 1", False),
    ],
)
def test_whether_a_check_looks_for_pong_without_a_password(check: str, needs_pong: bool) -> None:
    probe = RedisProbe(host="127.0.0.1", port=2, needs_pong=needs_pong)
    assert choose_probe("CMD-SHELL", check, _6379=2) == probe


def test_silence_is_a_hang_and_names_the_question() -> None:
    seen = observe_answer(http, None, timeout_s=0.05)
    assert seen.kind == "hang"
    assert "GET http://127.0.0.1" in seen.detail
    assert "no answer in 0.05 s" in seen.detail


def test_a_command_that_is_still_running_when_its_time_is_over_has_no_end() -> None:
    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        await asyncio.sleep(60)
        raise AssertionError

    probe = CommandProbe(argv=("wait", "forever"), execute=execute, timeout_s=60)
    seen = asyncio.run(probes.observe(probe, 0.05))
    assert (seen.kind, seen.detail) == ("no end", "wait forever: did not end in 0.05 s")


@pytest.mark.parametrize("make", [http, redis])
def test_a_closed_port_is_refused(make: Make) -> None:
    import socket

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        seen = asyncio.run(probes.observe(make(unused.getsockname()[1]), 2.0))
    assert seen.kind == "refused"
    assert "connection refused" in seen.detail


@pytest.mark.parametrize(("code", "kind"), [(0, "ok"), (1, "wrong")])
def test_a_command_is_well_when_it_ends_with_0(code: int, kind: str) -> None:
    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        return code, "it said so\n"

    seen = asyncio.run(CommandProbe(argv=("check",), execute=execute, timeout_s=1).ask())
    assert (seen.kind, seen.detail) == (kind, f"exit code {code}: it said so")


@pytest.mark.parametrize(("said", "permanent"), [(b"-NOPERM no\r\n", True), (b"-LOADING\r\n", False)])
def test_what_redis_forbids_is_permanent(said: bytes, permanent: bool) -> None:
    assert observe_answer(redis, said).permanent is permanent


@pytest.mark.parametrize(
    ("said", "permanent"),
    [
        ("curl: (35) OpenSSL: error:0A00010B:SSL routines::wrong version number", True),
        ("curl: (3) URL using bad/illegal format or missing URL", True),
        ("curl: (60) SSL certificate problem: self-signed certificate", True),
        ("curl: (35) Recv failure: Connection reset by peer", False),
        ("curl: (22) The requested URL returned error: 503", False),
    ],
)
def test_what_curl_can_never_reach_is_permanent(said: str, permanent: bool) -> None:
    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        return 1, said

    probe = CommandProbe(argv=("curl", "-f", "https://web/"), execute=execute, timeout_s=1)
    seen = asyncio.run(probe.ask())
    assert (seen.kind, seen.permanent) == ("wrong", permanent)


def choose_probe(*test: str, environment: dict[str, str] | None = None, **ports: int) -> Probe | None:
    service = Service(name="x", healthcheck=Healthcheck(test=test), environment=environment or {})
    table = {int(target.strip("_")): port for target, port in ports.items()}
    plan = ServicePlan(
        service=service, argv=(), environment={}, ports=table, cwd=Path("/"), healthcheck=test, executed=test
    )
    return checks.choose(plan, none)


URL = "http://127.0.0.1:20001/health/?deep=1"


@pytest.mark.parametrize(
    "test",
    [
        ("CMD", "curl", "-f", URL),
        ("CMD-SHELL", f"curl -fsS -o /dev/null {URL} || exit 1"),
        ("CMD", "wget", "--quiet", "--tries=1", "--spider", URL),
        ("CMD", "/usr/bin/curl", "-f", URL),
    ],
)
def test_a_plain_get_is_asked_directly(test: tuple[str, ...]) -> None:
    assert choose_probe(*test, _80=20001) == HttpProbe(host="127.0.0.1", port=20001, path="/health/?deep=1")


@pytest.mark.parametrize(
    ("test", "any_status"),
    [
        (("CMD", "curl", URL), True),
        (("CMD-SHELL", f"curl -s -o /dev/null {URL} || exit 1"), True),
        (("CMD", "curl", "-sf", URL), False),
        (("CMD", "wget", "-q", "--spider", URL), False),
    ],
)
def test_only_curl_without_fail_takes_an_error_for_an_answer(test: tuple[str, ...], any_status: bool) -> None:
    found = choose_probe(*test, _80=20001)
    assert isinstance(found, HttpProbe)
    assert found.any_status is any_status


@pytest.mark.parametrize(
    "test",
    [
        ("CMD", "curl", "-f", "-X", "POST", URL),
        ("CMD", "curl", "-H", "A: b", URL),
        ("CMD", "curl", "-f", "https://127.0.0.1:20001/"),
        ("CMD-SHELL", f"curl -f {URL} | grep ok"),
        ("CMD-SHELL", f"curl -f {URL};true"),
        ("CMD-SHELL", "test -f $HOME/ready"),
        ("CMD", "redis-cli", "-a", "password", "dbsize"),
    ],
)
def test_whatever_says_more_is_executed_as_written(test: tuple[str, ...]) -> None:
    found = choose_probe(*test, _80=20001)
    assert isinstance(found, CommandProbe)
    assert found.argv == (("/bin/sh", "-c", test[1]) if test[0] == "CMD-SHELL" else test[1:])


def test_redis_is_asked_at_its_own_port_among_several() -> None:
    assert choose_probe("CMD", "redis-cli", "ping", _9=1, _6379=2) == RedisProbe(host="127.0.0.1", port=2)


def test_postgres_is_asked_as_the_user_of_its_environment() -> None:
    environment = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "p"}
    found = choose_probe("CMD-SHELL", "pg_isready -U shop", environment=environment, _5432=20003)
    assert found == PostgresProbe(host="127.0.0.1", port=20003, user="shop", password="p", database="shop")


def test_no_check_and_a_check_that_is_switched_off_are_no_probe() -> None:
    assert choose_probe("NONE", _80=1) is None
    plain = ServicePlan(service=Service(name="x"), argv=(), environment={}, ports={}, cwd=Path("/"))
    assert checks.choose(plain, none) is None


CLOSED_TEXT = (
    "server closed the connection unexpectedly\n"
    "\tThis probably means the server terminated abnormally\n\tbefore or while processing the request."
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('FATAL:  database "shop" is not currently accepting connections', "ok"),
        ("FATAL:  the database system is starting up", "wrong"),
        ('FATAL:  database "shop" does not exist', "wrong"),
        (CLOSED_TEXT, "refused"),
    ],
)
def test_what_postgres_says_tells_whether_it_is_up_refuses_or_does_not_listen_yet(
    monkeypatch: pytest.MonkeyPatch, text: str, kind: str
) -> None:
    def refuse(**parameters: object) -> None:
        raise psycopg2.OperationalError(f"connection to server failed: {text}\n")

    monkeypatch.setattr(psycopg2, "connect", refuse)
    probe = PostgresProbe(host="127.0.0.1", port=1, user="u", password="p", database="shop", connect=accept)
    assert asyncio.run(probe.ask()).kind == kind


def test_nothing_in_the_user_s_environment_decides_where_postgres_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGSERVICE", "missing")
    probe = PostgresProbe(host="127.0.0.1", port=1, user="u", password="p", database="shop", connect=accept)
    assert "Is the server running" in asyncio.run(probe.ask()).detail


async def accept(host: str, port: int) -> Any:
    """Stand for a server that takes a connection."""

    class Writer:
        def close(self) -> None: ...

    return None, Writer()
