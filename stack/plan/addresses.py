"""Service names -> host addresses, container paths -> host paths, where processes share one network.

What is rewritten in an environment value is what can only be an address: the host of a URL, a whole value
``HOST:PORT`` (or a list of them), and a whole value that is a service's name in a variable such as
``DB_HOST``, together with its sibling ``DB_PORT``. A password, an image or a path stays as it is. In a
command, every ``SERVICE:PORT`` is an address.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

LOOPBACK = "127.0.0.1"
LOCALHOST: Final = frozenset(("localhost", LOOPBACK, "0.0.0.0", "::1"))
"""How a service calls itself."""

Addresses = Mapping[tuple[str, int], tuple[str, int]]
"""(service name, container port) -> (host, port)."""

DEFAULT_PORTS: Final[Mapping[str, int]] = {
    "http": 80, "https": 443, "ws": 80, "redis": 6379, "valkey": 6379, "postgres": 5432, "postgresql": 5432,
    "mysql": 3306, "amqp": 5672, "mongodb": 27017, "nats": 4222, "smtp": 25,
}  # fmt: skip
"""The port of a URL that names none (IANA's service names, and those that the drivers use)."""

FIRST_USER_PORT: Final = 1024
"""Below it, ``redis:7`` is an image or a version rather than an address, unless the port is declared."""

HOST_OF_CONTAINERS: Final = "host.docker.internal"
"""How a container calls the machine that it runs on."""

_NAME = re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9][A-Za-z0-9_.-]*):(\d{1,5})(?![0-9A-Za-z_.])")
_WHOLE = re.compile(rf"{_NAME.pattern}(?:,{_NAME.pattern})*")
_AUTHORITY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://((?:[^/?#\s\"'@]*@)?)([^/?#\s\"'@]+)")
_HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)(?::(\d{1,5}))?")
HOST_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_HOST_VARIABLE = re.compile(r"(.*_|)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)")
_ABSOLUTE = re.compile(r"(?<![A-Za-z0-9_.])/[A-Za-z0-9_./-]+")
_URL_PATH_VARIABLE = re.compile(r".*(?:URL|URI|PREFIX|ROUTE)")


def rewrite_names(text: str, addresses: Addresses, *, own: str | None = None) -> str:
    """Return a command's word with every known ``service:port`` replaced.

    ``own`` is the service that the text belongs to: its ``localhost`` means itself.
    """

    def replace(match: re.Match[str]) -> str:
        name, port = match[1], int(match[2])
        if own is not None and name in LOCALHOST:
            name = own
        address = addresses.get((name, port))
        return match[0] if address is None else f"{address[0]}:{address[1]}"

    return _NAME.sub(replace, rewrite_urls(text, addresses, own=own))


def rewrite_urls(text: str, addresses: Addresses, *, own: str | None = None) -> str:
    """Return ``text`` with the known hosts of its URLs replaced; user and password stay."""

    def replace(match: re.Match[str]) -> str:
        hosts = (_rewrite_host(host, match[1], addresses, own) for host in match[3].split(","))
        return f"{match[1]}://{match[2]}{','.join(hosts)}"

    return _AUTHORITY.sub(replace, text)


def rewrite_environment(environment: Mapping[str, str], addresses: Addresses) -> dict[str, str]:
    """Return an environment in which every address of a known service is one of this machine."""
    values = {key: _rewrite_value(value, addresses) for key, value in environment.items()}
    for key, value in environment.items():
        variable = _HOST_VARIABLE.fullmatch(key)
        if variable is None:
            continue
        port_key = f"{variable[1]}PORT"
        address = _address_of(value, environment.get(port_key, ""), addresses)
        if address is not None:
            values |= {key: address[0], port_key: str(address[1])}
    return values


def _address_of(name: str, port: str, addresses: Addresses) -> tuple[str, int] | None:
    """The address of a service at ``port``; at its first port where none is given."""
    if port:
        return addresses.get((name, int(port))) if port.isdigit() else None
    return next((address for (service, _), address in addresses.items() if service == name), None)


def _rewrite_value(value: str, addresses: Addresses) -> str:
    return rewrite_names(value, addresses) if _WHOLE.fullmatch(value) else rewrite_urls(value, addresses)


def _rewrite_host(text: str, scheme: str, addresses: Addresses, own: str | None) -> str:
    match = _HOST.fullmatch(text)
    if match is None:
        return text
    if match[1] == HOST_OF_CONTAINERS:
        return text.replace(HOST_OF_CONTAINERS, "127.0.0.1")
    name = own if own is not None and match[1] in LOCALHOST else match[1]
    address = addresses.get((name, _port(match[2], scheme)))
    return text if address is None else f"{address[0]}:{address[1]}"


def _port(text: str | None, scheme: str) -> int:
    return int(text) if text else DEFAULT_PORTS.get(scheme.partition("+")[0].lower(), 0)


def rewrite_value_paths(key: str, value: str, folders: Mapping[str, str]) -> str:
    """Return the value of a variable with paths of this machine; the path of a URL stays as it is."""
    is_url_path = value.startswith("/") and _URL_PATH_VARIABLE.fullmatch(key.upper())
    return value if is_url_path else rewrite_paths(value, folders)


def rewrite_words(words: Iterable[str], folders: Mapping[str, Path]) -> tuple[str, ...]:
    """Return the words of a command with the paths of a container as those of this machine."""
    places = {target: str(folder) for target, folder in folders.items()}
    return tuple(rewrite_paths(word, places) for word in words)


def rewrite_paths(text: str, folders: Mapping[str, str]) -> str:
    """Return ``text`` with every path below a mount's target replaced by its path on this machine."""

    def replace(match: re.Match[str]) -> str:
        extra = len(match[0]) - len(match[0].lstrip("/")) - 1
        if extra == 1 and text[: match.start()].endswith(":"):
            return match[0]  # the authority of a URL, not a path
        path = posixpath.normpath("/" + match[0].lstrip("/"))
        for target in sorted(folders, key=len, reverse=True):
            if path == target or path.startswith(target.rstrip("/") + "/"):
                return "/" * extra + folders[target] + path[len(target.rstrip("/")) :]
        return match[0]

    return _ABSOLUTE.sub(replace, text) if folders else text


def referenced_ports(texts: Iterable[str], names: Iterable[str]) -> set[tuple[str, int]]:
    """Return the (service, port) pairs that the texts refer to."""
    known = set(names)
    return {(name, port) for text in texts for name, port in _references(text) if name in known and port}


def references_in_urls(text: str) -> Iterator[tuple[str, int]]:
    """Yield host and port of the URLs in a text: the scheme's port where it names none, 0 where unknown."""
    for match in _AUTHORITY.finditer(text):
        for host in filter(None, map(_HOST.fullmatch, match[3].split(","))):
            yield host[1], _port(host[2], match[1])


def references_in_value(value: str) -> Iterator[tuple[str, int]]:
    """Yield host and port of the URLs in a variable, or of its parts where it is a list of ``HOST:PORT``."""
    yield from references_in_urls(value)
    if _WHOLE.fullmatch(value):
        for match in _NAME.finditer(value):
            if int(match[2]) >= FIRST_USER_PORT:
                yield match[1], int(match[2])


def sibling_port(key: str, environment: Mapping[str, str]) -> int | None:
    """Return the port beside a variable such as ``DB_HOST``, 0 where there is none; None for others."""
    variable = _HOST_VARIABLE.fullmatch(key)
    if variable is None:
        return None
    port = environment.get(f"{variable[1]}PORT", "")
    return int(port) if port.isdigit() else 0


def outside_hosts(texts: Iterable[str], names: Iterable[str]) -> set[str]:
    """Return the hosts in URLs that are neither services (``names``) nor the service itself."""
    hosts = {
        match[1]
        for text in texts
        for authority in _AUTHORITY.finditer(text)
        for match in filter(None, map(_HOST.fullmatch, authority[3].split(",")))
    }
    return {host for host in hosts if "." in host} - set(names) - LOCALHOST


def _references(text: str) -> Iterator[tuple[str, int]]:
    yield from references_in_urls(text)
    for match in _NAME.finditer(_AUTHORITY.sub("", text)):
        if int(match[2]) >= FIRST_USER_PORT:
            yield match[1], int(match[2])
