"""The limits of a service, and how many containers it has.

Source of the rules: https://github.com/compose-spec/compose-spec/blob/main/deploy.md and
compose-go's ``loader.checkConsistency``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stack.compose.values import size_bytes
from stack.errors import ComposeError
from stack.model import Limits


@dataclass(frozen=True, kw_only=True)
class _Key:
    """A limit has two keys: one of the service, one below ``deploy.resources.limits``."""

    service: str
    deploy: str
    read: Callable[[Any], float]


_KEYS: Final = (
    _Key(service="mem_limit", deploy="memory", read=size_bytes),
    _Key(service="pids_limit", deploy="pids", read=int),
    _Key(service="cpus", deploy="cpus", read=float),
)


def limits_of(raw: Mapping[str, Any], where: str) -> Limits:
    """Return the limits of a service in long form; ``where`` names files and service in errors.

    Raises:
        ComposeError: a limit cannot be read.
    """
    direct, deployed = _direct(raw, where), _deployed(raw, where)
    memory, processes, cpus = (direct[key] or deployed[key] for key in _KEYS)
    return Limits(
        memory_bytes=None if memory is None else int(memory),
        processes=None if processes is None else int(processes),
        cpus=cpus,
        ulimits=_ulimits(raw.get("ulimits") or {}, f"{where}.ulimits"),
    )


def _ulimits(raw: Mapping[str, Any], place: str) -> dict[str, tuple[int, int]]:
    pairs = {name: _soft_and_hard(each) for name, each in raw.items()}
    return {
        name: (int(_read(int, soft, place)), int(_read(int, hard, place)))
        for name, (soft, hard) in pairs.items()
    }


def _soft_and_hard(value: Any) -> tuple[Any, Any]:
    return (value["soft"], value["hard"]) if isinstance(value, Mapping) else (value, value)


def replicas_of(raw: Mapping[str, Any], where: str) -> int:
    """Return how many containers a service has.

    Raises:
        ComposeError: not a whole number.
    """
    deploy = raw.get("deploy") or {}
    if raw.get("scale") is not None:
        return int(_read(int, raw["scale"], f"{where}.scale"))
    if deploy.get("replicas") is not None:
        return int(_read(int, deploy["replicas"], f"{where}.deploy.replicas"))
    return 1


def contradictions(raw: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield a sentence for each limit that its two keys give different values."""
    deploy = raw.get("deploy") or {}
    has_both = raw.get("scale") is not None and deploy.get("replicas") is not None
    if has_both and replicas_of(raw, where) != replicas_of({"deploy": deploy}, where):
        yield "scale and deploy.replicas differ"
    if (deploy.get("resources") or {}).get("limits") is None:
        return
    direct, deployed = _direct(raw, where), _deployed(raw, where)
    for key in _KEYS:
        if direct[key] is not None and direct[key] != deployed[key]:
            yield f"{key.service} and deploy.resources.limits.{key.deploy} differ"


def _direct(raw: Mapping[str, Any], where: str) -> dict[_Key, float | None]:
    return {key: _limit(key, raw.get(key.service), f"{where}.{key.service}") for key in _KEYS}


def _deployed(raw: Mapping[str, Any], where: str) -> dict[_Key, float | None]:
    limits = ((raw.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    place = f"{where}.deploy.resources.limits"
    return {key: _limit(key, limits.get(key.deploy), f"{place}.{key.deploy}") for key in _KEYS}


def _limit(key: _Key, value: Any, place: str) -> float | None:
    """None where the key is absent, zero or negative: no limit."""
    number = 0.0 if value is None else _read(key.read, value, place)
    return number if number > 0 else None


def _read(read: Callable[[Any], float], value: Any, place: str) -> float:
    try:
        return read(value)
    except ValueError:
        raise ComposeError(f"{place}: {value!r} cannot be read") from None
