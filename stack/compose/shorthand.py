"""Short forms -> long forms: ``8000:80`` and ``data:/srv:ro``, and lists in place of mappings.

Source of the rules: compose-go's ``transform`` and ``format`` packages, and for ports Docker's own
``go-connections/nat``.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from typing import Any, Final

from stack.compose.interpolation import FromVariable
from stack.errors import ComposeError

_PROTOCOLS: Final = ("tcp", "udp", "sctp")

_PORT: Final = re.compile(
    r"(?:(?:(?P<ip>\[[^\]]*\]|[^:]*):)?(?P<published>[^:]*):)?(?P<target>[^:/]*)(?:/(?P<protocol>.*))?"
)

_RANGE: Final = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)


def long_ports(entry: Any) -> list[dict[str, Any]]:
    """Return the long form of one entry of ``ports``: a mapping for each container port.

    ``x-fixed`` is set where a variable chose the port.

    Raises:
        ValueError: not a port; the message says why.
    """
    if isinstance(entry, dict):
        fixed = any(isinstance(entry.get(key), FromVariable) for key in ("published", "target", "host_ip"))
        return [{**entry, "x-fixed": True} if fixed else entry]
    match = _PORT.fullmatch(str(entry))
    if not match or not match["target"]:
        raise ValueError(f"{entry!r} is not a port: write HOST:CONTAINER")
    protocol = (match["protocol"] or "tcp").lower()
    if protocol not in _PROTOCOLS:
        raise ValueError(f"{entry!r} names an unknown protocol, {protocol}")
    common: dict[str, Any] = {"protocol": protocol, "mode": "ingress"}
    if match["ip"]:
        common["host_ip"] = _address(match["ip"])
    if isinstance(entry, FromVariable):
        common["x-fixed"] = True
    return [{**common, **pair} for pair in _pairs(str(entry), match["published"] or "", match["target"])]


def _address(text: str) -> str:
    address = text.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(f"{address!r} is not an IP address") from None
    return address


def _pairs(entry: str, published: str, target: str) -> list[dict[str, Any]]:
    inside = port_range(target)
    if not published:
        return [{"target": port} for port in inside]
    outside = port_range(published)
    if len(inside) == len(outside):
        return [{"target": i, "published": str(o)} for i, o in zip(inside, outside, strict=True)]
    if len(inside) == 1:
        return [{"target": inside[0], "published": published}]
    raise ValueError(f"{entry!r}: the two port ranges differ in length")


def port_range(text: str) -> range:
    """Return the ports of ``8000`` or ``8000-8010``.

    Raises:
        ValueError: neither, or out of 0-65535.
    """
    match = _RANGE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a port or a range of ports")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last or last > 65_535:
        raise ValueError(f"{text!r} is not a port or a range of ports from 0 to 65535")
    return range(first, last + 1)


def long_volume(entry: Any) -> dict[str, Any]:
    """Return the long form of one entry of a service's ``volumes``.

    Raises:
        ValueError: not a mount; the message says why.
    """
    if isinstance(entry, dict):
        return entry
    if not entry:
        raise ValueError("a volume cannot be an empty string")
    parts = entry.split(":")
    if not all(parts):
        raise ValueError(f"{entry!r} has an empty part between colons")
    if len(parts) > 3:
        raise ValueError(f"{entry!r} has too many colons")
    if len(parts[0]) == 1 and parts[0].isalpha() and len(parts) > 1:
        raise ValueError(
            f"{entry!r} looks like a Windows path: give the volume a name of two letters or more"
        )
    if len(parts) == 1:
        return {"type": "volume", "target": _clean(entry)}
    kind = "bind" if parts[0][0] in "./~" else "volume"
    mount: dict[str, Any] = {"type": kind, "source": parts[0], "target": _clean(parts[1])}
    for option in parts[2].split(",") if len(parts) == 3 else ():
        if option in ("ro", "rw"):
            mount["read_only"] = option == "ro"
    return mount


def volume_target(entry: Any) -> Any:
    """Return the path of a mount inside the container; None where it has none."""
    try:
        return long_volume(entry).get("target")
    except ValueError:
        return entry


def _clean(path: str) -> str:
    # POSIX lets normpath keep two leading slashes; Go's path.Clean does not.
    return posixpath.normpath("/" + path.lstrip("/") if path.startswith("/") else path)


def expand_short_forms(document: dict[str, Any], file: str) -> dict[str, Any]:
    """Return the document with every short form that the model needs in its long form.

    Raises:
        ComposeError: a port or a volume that cannot be read; names file and key.
    """
    services = document.get("services") or {}
    expanded = {
        name: _service(service or {}, f"{file}: services.{name}") for name, service in services.items()
    }
    return {**document, "services": expanded} if "services" in document else document


def _service(service: dict[str, Any], where: str) -> dict[str, Any]:
    result = dict(service)
    if isinstance(result.get("build"), str):
        result["build"] = {"context": result["build"]}
    if isinstance(depends_on := result.get("depends_on"), list | dict):
        result["depends_on"] = {name: _dependency(depends_on, name) for name in depends_on}
    if isinstance(networks := result.get("networks"), list):
        result["networks"] = dict.fromkeys(networks)
    if "env_file" in result:
        files = result["env_file"] if isinstance(result["env_file"], list) else [result["env_file"]]
        result["env_file"] = [{"path": file} if isinstance(file, str) else file for file in files if file]
    if result.get("ports"):
        result["ports"] = [long for entry in _each(result, "ports", where, long_ports) for long in entry]
    if result.get("volumes"):
        result["volumes"] = list(_each(result, "volumes", where, long_volume))
    return result


def _dependency(depends_on: Any, name: str) -> dict[str, Any]:
    entry = (depends_on[name] if isinstance(depends_on, dict) else None) or {}
    return {"condition": "service_started", "required": True, **entry}


def _each(service: dict[str, Any], key: str, where: str, expand: Any) -> list[Any]:
    result = []
    for index, entry in enumerate(service[key]):
        try:
            result.append(expand(entry))
        except ValueError as error:
            raise ComposeError(f"{where}.{key}[{index}]: {error}") from None
    return result
