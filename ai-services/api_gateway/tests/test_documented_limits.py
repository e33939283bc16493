"""The limits and defaults that README.md tells are those of the code."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.connections.refusal import FIELDS, HEAD_BYTES
from gateway.proxy import body, upstream
from gateway.proxy.shares import Shares
from gateway.server import KEEP_ALIVE_S, server_config
from gateway.settings import Settings, read_settings

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (`[^|]+?) \| ([^|]+?) \|", README, re.MULTILINE))
NUMBERS = {
    name: value
    for names, values in ROWS.items()
    if re.fullmatch(r"[\d, ]+", values)
    for name, value in zip(re.findall(r"`(\w+)`", names), re.findall(r"\d+", values), strict=True)
}
MIB = 1024 * 1024


def changed(settings: Settings) -> list[str]:
    default = Settings()
    return [one.name for one in fields(Settings) if getattr(settings, one.name) != getattr(default, one.name)]


@pytest.mark.parametrize(("variable", "value"), NUMBERS.items())
def test_a_default_is_the_one_that_is_told(variable: str, value: str) -> None:
    assert changed(read_settings({variable: value})) == []
    assert len(changed(read_settings({variable: str(int(value) + 1)}))) == 1


def test_the_addresses_are_those_that_are_told() -> None:
    told = {"HOST": "0.0.0.0", "PORT": "8080", "BACKEND_URL": "http://localhost:8000", "LOG_LEVEL": "INFO"}
    assert changed(read_settings(told)) == []
    assert all(value in README for value in told.values())
    assert len(NUMBERS) == 8


@pytest.mark.parametrize(
    "line",
    [
        f"head: {HEAD_BYTES // 1024} KiB, {FIELDS} fields",
        f"body: {body.LIMIT_BYTES // MIB} MiB |",
        f"1 s more for each KiB that came; {Settings().body_s:g} s",
        f"all bodies in memory: {upstream.MEMORY_BYTES // MIB} MiB, half of it for one client",
        f"in progress: {Settings().connections} (`BACKEND_CONNECTIONS`), half of them for one client",
        f"idle connection: {KEEP_ALIVE_S} s",
    ],
)
def test_a_limit_is_the_one_that_is_told(line: str) -> None:
    assert line in README


def test_the_sizes_are_whole() -> None:
    assert (HEAD_BYTES % 1024, body.LIMIT_BYTES % MIB, upstream.MEMORY_BYTES % MIB) == (0, 0, 0)
    assert body.MINIMUM_RATE == 1024
    assert sum(body.GRACE_S) / 2 == pytest.approx(10, abs=0.5)


@pytest.mark.parametrize(
    ("connections", "name", "half"), [(100, "slots", 50), (3, "slots", 2), (100, "memory", 32 * MIB)]
)
def test_one_client_has_half_of_what_there_is(connections: int, name: str, half: int) -> None:
    shares: Shares = getattr(upstream.Upstream(Settings(connections=connections)), name)
    assert not shares.take("one", half + 1)
    assert shares.take("one", half)
    assert not shares.take("one", 1)
    assert not shares.take("two", shares.total - half + 1)
    assert shares.take("two", shares.total - half)


def test_uvicorn_is_told_our_limits_and_nothing_of_its_own() -> None:
    config = server_config(Settings(host="127.0.0.1", port=1, graceful_s=7))
    assert (config.host, config.port, config.workers) == ("127.0.0.1", 1, 1)
    assert (config.timeout_keep_alive, config.timeout_graceful_shutdown) == (KEEP_ALIVE_S, 7)
    assert config.h11_max_incomplete_event_size == HEAD_BYTES
    assert not (config.proxy_headers or config.access_log or config.server_header or config.date_header)
    assert upstream.KEEP_ALIVE_S < KEEP_ALIVE_S
