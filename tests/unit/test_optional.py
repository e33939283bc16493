"""A service that a stack can do without is left out where it cannot run; the others come up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stack import compose
from stack.engines.container.engine import ContainerEngine
from stack.engines.local import binaries
from stack.engines.local.engine import LocalEngine
from stack.errors import CommandFailed, NotRunnable
from stack.model import Service, Stack
from stack.plan import optional
from stack.plan import plan as planning
from stack.plan.plan import Plan
from stack.system.directories import ROOT


def plan(*services: Service, engine: str = "local") -> Plan:
    table = {service.name: service for service in services}
    stack = Stack(name="shop", files=(), directory=Path("/w"), services=table)
    return planning.make(stack, name="shop", engine=engine, services=table, ports={}, folders={})


def test_the_key_of_the_compose_file_says_it(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("services:\n  a: {image: x, x-optional: true}\n  b: {image: y}\n", encoding="utf-8")
    loaded = compose.load(file).services
    assert (loaded["a"].optional, loaded["b"].optional) == (True, False)


def test_what_the_local_engine_cannot_run_is_left_out_and_said_once() -> None:
    made = plan(
        Service(name="db", image="postgres:15"),
        Service(name="page", image="grafana/grafana:11", optional=True),
        Service(name="cache", image="redis:7", optional=True),
        Service(name="other", image="mysql:8"),
    )
    reasons = asyncio.run(LocalEngine().unavailable(optional.services(made)))
    left = optional.leave_out(made, reasons)
    assert list(left.services) == ["db", "cache", "other"]
    assert len(left.notes) == 1
    assert left.notes[0].startswith("The stack comes up without page. page: The local engine cannot run")
    assert list(left.left_out) == ["page"]
    assert left.left_out["page"].startswith("The local engine cannot run")
    assert optional.leave_out(made, {}) is made


def test_a_missing_prometheus_is_a_sentence_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_path", lambda: "/nowhere")
    monitored = Service(name="prometheus", image="prom/prometheus:v2", optional=True)
    reasons = asyncio.run(LocalEngine().unavailable(optional.services(plan(monitored))))
    assert reasons == {"prometheus": "There is no Prometheus here (Debian: `apt install prometheus`)."}
    with pytest.raises(NotRunnable, match="apt install prometheus"):
        binaries.prometheus_server()


class Registry(ContainerEngine):
    """An engine that has `here`; its registry has `there`, and is silent about `slow`."""

    async def _call(self, *words: str, check: bool = True, timeout_s: float = 0) -> str:
        if words[-1] == "slow":
            if words[0] == "manifest":
                raise CommandFailed(("docker", *words), "did not answer", timed_out=True)
            return ""
        found = "here" if words[0] == "image" else "there"
        return "{}" if words[-1] == found else ""


def test_an_image_that_no_registry_gives_is_left_out_of_a_container_stack() -> None:
    names = ("here", "there", "slow", "nowhere")
    made = plan(*(Service(name=name, image=name, optional=True) for name in names), engine="docker")
    reasons = asyncio.run(Registry("docker").unavailable(optional.services(made)))
    assert set(reasons) == {"slow", "nowhere"}
    assert reasons["nowhere"] == "The image nowhere is not here, and no registry gives it."


@pytest.mark.parametrize("file", ["local", "ci"])
def test_the_stacks_can_do_without_what_needs_an_installed_server_or_a_registry(file: str) -> None:
    loaded = compose.load(ROOT / "compose" / f"docker-compose.{file}.yml", profiles=("observability",))
    can_be_left = {name for name, service in loaded.services.items() if service.optional}
    assert can_be_left == {"prometheus", "grafana", "jaeger"}
