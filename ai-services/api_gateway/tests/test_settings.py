"""Settings from environment variables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings import BadEnvironment, Settings, read_settings

PROJECT = Path(__file__).parents[1]


def test_an_empty_environment_is_enough() -> None:
    assert read_settings({}) == Settings()
    assert (read_settings({}).host, read_settings({}).port) == ("0.0.0.0", 8080)


def test_every_variable_is_read() -> None:
    settings = read_settings(
        {
            "HOST": "127.0.0.1",
            "PORT": "9000",
            "BACKEND_URL": "http://backend:8000/",
            "REDIS_URL": "redis://:pw@redis:6379/0",
            "VAULT_DISABLED": "true",
            "LOG_FORMAT": "JSON",
            "BACKEND_DEADLINE_S": "1.5",
            "BACKEND_CONNECTIONS": "7",
            "METRICS_ADDRESS": "gateway:9464",
            "TRUSTED_PROXIES": "10.1.0.0/16, 192.0.2.1,fd00::/8",
        }
    )
    assert (settings.host, settings.port, settings.backend_url) == ("127.0.0.1", 9000, "http://backend:8000")
    assert (settings.redis_url, settings.log_format) == ("redis://:pw@redis:6379/0", "json")
    assert (settings.deadline_s, settings.connections) == (1.5, 7)
    assert settings.metrics_address == ("gateway", 9464)
    assert [str(network) for network in settings.trusted_proxies] == [
        "10.1.0.0/16",
        "192.0.2.1/32",
        "fd00::/8",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "80.5"),
        ("METRICS_ADDRESS", "9464"),
        ("METRICS_ADDRESS", "host:port"),
        ("BACKEND_URL", "backend:8000"),
        ("BACKEND_URL", "http://backend:port"),
        ("BACKEND_URL", "redis://backend:8000"),
        ("REDIS_URL", "http://redis"),
        ("VAULT_DISABLED", "perhaps"),
        ("VAULT_DISABLED", "false"),
        ("LOG_FORMAT", "xml"),
        ("TRUSTED_PROXIES", "nginx"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("BACKEND_DEADLINE_S", "-1"),
        ("BACKEND_DEADLINE_S", "inf"),
        ("METRICS_ADDRESS", "host:70000"),
    ],
)
def test_an_invalid_value_is_named(name: str, value: str) -> None:
    with pytest.raises(BadEnvironment, match=name):
        read_settings({name: value})


def test_the_upstream_client_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, gateway.app; print([m for m in ('aiohttp', 'redis') if m in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("METRICS_ADDRESS", "host:65535", "host:65536"),
        ("METRICS_ADDRESS", "host:1", "host:0"),
        ("METRICS_ADDRESS", "[::1]:9464", ":9464"),
        ("BACKEND_URL", "http://backend:1", "http://backend:0"),
        ("BACKEND_URL", "https://backend", "ftp://backend"),
        ("REDIS_URL", "rediss://redis", "redis://"),
        ("BACKEND_IDLE_S", "0.5", "0"),
        ("BACKEND_CONNECTIONS", "1", "1.5"),
        ("LOG_LEVEL", "warning", "warn"),
        ("TRUSTED_PROXIES", "10.0.0.1, ::1 ,", "10.0.0.1 ::1"),
    ],
)
def test_a_value_is_valid_up_to_its_limits(name: str, good: str, bad: str) -> None:
    assert read_settings({name: good}) != Settings()
    with pytest.raises(BadEnvironment, match=name):
        read_settings({name: bad})


def test_an_invalid_address_is_told_its_form() -> None:
    with pytest.raises(BadEnvironment) as refused:
        read_settings({"REDIS_URL": "redis.example"})
    assert str(refused.value) == "REDIS_URL must be redis://host:port."
