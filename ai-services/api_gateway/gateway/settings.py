"""Settings from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

BOOLEANS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


class BadEnvironment(Exception):
    """An environment variable is invalid; the message names it and its allowed values."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the gateway. ``redis_url`` is empty if there is no Redis."""

    host: str = "0.0.0.0"
    port: int = 8080
    backend_url: str = "http://localhost:8000"
    redis_url: str = ""
    log_format: str = ""
    log_level: str = "INFO"
    connect_s: float = 3.0
    deadline_s: float = 30.0
    idle_s: float = 30.0
    connections: int = 100
    response_s: float = 300.0
    head_s: float = 10.0
    body_s: float = 60.0
    trusted_proxies: tuple[Network, ...] = ()
    graceful_s: int = 20
    metrics_address: tuple[str, int] | None = None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings; README.md lists the variables.

    Raises:
        BadEnvironment: naming the variable.
    """
    _refuse_vault(environment)
    default = Settings()
    return Settings(
        host=environment.get("HOST") or default.host,
        port=int(_number(environment, "PORT", default.port, whole=True)),
        backend_url=_address(environment, "BACKEND_URL", default.backend_url, ("http", "https")),
        redis_url=_address(environment, "REDIS_URL", default.redis_url, ("redis", "rediss")),
        log_format=_choice(environment, "LOG_FORMAT", default.log_format, ("", "json", "text")),
        log_level=_choice(environment, "LOG_LEVEL", default.log_level, ("DEBUG", "INFO", "WARNING", "ERROR")),
        connect_s=_number(environment, "BACKEND_CONNECT_S", default.connect_s),
        deadline_s=_number(environment, "BACKEND_DEADLINE_S", default.deadline_s),
        idle_s=_number(environment, "BACKEND_IDLE_S", default.idle_s),
        connections=int(_number(environment, "BACKEND_CONNECTIONS", default.connections, whole=True)),
        response_s=_number(environment, "BACKEND_RESPONSE_S", default.response_s),
        head_s=_number(environment, "REQUEST_HEAD_S", default.head_s),
        body_s=_number(environment, "REQUEST_BODY_S", default.body_s),
        trusted_proxies=_networks(environment, "TRUSTED_PROXIES"),
        graceful_s=int(_number(environment, "GRACEFUL_TIMEOUT_S", default.graceful_s, whole=True)),
        metrics_address=_host_and_port(environment, "METRICS_ADDRESS"),
    )


def _refuse_vault(environment: Mapping[str, str]) -> None:
    """Refuse ``VAULT_DISABLED=false``: the gateway reads no secret, so the deployment is misconfigured."""
    value = environment.get("VAULT_DISABLED", "true").strip().lower()
    if value not in BOOLEANS:
        raise BadEnvironment(f"VAULT_DISABLED={value!r} is neither true nor false.")
    if not BOOLEANS[value]:
        raise BadEnvironment(
            "VAULT_DISABLED=false, but the gateway reads no secret from Vault: set VAULT_DISABLED=true."
        )


def _number(environment: Mapping[str, str], name: str, default: float, *, whole: bool = False) -> float:
    text = environment.get(name, "").strip() or str(default)
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise BadEnvironment(f"{name}={text!r} is not a {'whole ' if whole else ''}number above 0.")
    return value


def _host_and_port(environment: Mapping[str, str], name: str) -> tuple[str, int] | None:
    """Return the host and port of a ``HOST:PORT`` variable, None where it is empty."""
    value = environment.get(name, "").strip()
    host, _, port = value.rpartition(":")
    if value and not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise BadEnvironment(f"{name}={value!r} is not HOST:PORT, for example 127.0.0.1:9464.")
    return (host, int(port)) if value else None


def _networks(environment: Mapping[str, str], name: str) -> tuple[Network, ...]:
    """Return the networks in a list that is written with commas; a single address is a network, too."""
    words = [word.strip() for word in environment.get(name, "").split(",")]
    try:
        return tuple(ip_network(word) for word in words if word)
    except ValueError as error:
        raise BadEnvironment(f"{name}: {error}; write addresses or networks such as 10.1.0.0/16.") from None


def _choice(environment: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = environment.get(name, "").strip() or default
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise BadEnvironment(f"{name}={value!r} is not one of {', '.join(filter(None, choices))}.")


def _address(environment: Mapping[str, str], name: str, default: str, schemes: tuple[str, ...]) -> str:
    value = (environment.get(name, "").strip() or default).rstrip("/")
    if not value:
        return value
    try:
        url = urlsplit(value)
        known = url.scheme in schemes and url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        known = False
    if not known:
        raise BadEnvironment(f"{name} must be {schemes[0]}://host:port.")
    return value
