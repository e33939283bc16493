from __future__ import annotations

import pytest

from stack.engines import registry
from stack.engines.local.engine import LocalEngine
from stack.errors import EngineUnavailable, UnknownEngine


def only_local(name: str) -> str | None:
    return None if name == "local" else f"{name} does not answer."


def test_auto_is_the_first_engine_that_answers() -> None:
    assert registry.choose("auto", why_not=lambda name: None) == "docker"
    assert registry.choose("auto", why_not=lambda name: "no" if name == "docker" else None) == "local"


def test_auto_is_local_where_no_daemon_answers() -> None:
    assert registry.choose("auto", why_not=only_local) == "local"


def test_an_engine_that_was_asked_for_is_never_replaced_silently() -> None:
    with pytest.raises(EngineUnavailable, match=r"docker does not answer\.") as caught:
        registry.choose("docker", why_not=only_local)
    assert "--engine local" in caught.value.hint


def test_an_unknown_engine_is_answered_with_those_there_are() -> None:
    for ask in (registry.choose, registry.create):
        with pytest.raises(UnknownEngine, match="'lxc'") as caught:
            ask("lxc")
        assert "docker, podman, local" in caught.value.hint


def test_the_local_engine_is_always_there() -> None:
    assert registry.why_not("local") is None
    assert isinstance(registry.create("local"), LocalEngine)
