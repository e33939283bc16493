"""The profile `recorder` of the stacks: traces and the page, and nothing else of `observability`."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import compose
from stack.guardian import variables
from stack.records.request import Request
from stack.system.directories import ROOT


def of_profile(file: Path, home: Path, *profiles: str) -> tuple[set[str], dict[str, str]]:
    """Return the services and the variables of a stack with these profiles."""
    request = Request(
        name="shop", files=(str(file),), engine="local", work_tree=str(home), run=str(home),
        env_file="", profiles=profiles,
    )  # fmt: skip
    set_here = {name: value for name, value in variables.of_stack(request).items() if "SECRET" not in name}
    return set(compose.load(file, environment=set_here, profiles=profiles).services), set_here


@pytest.mark.parametrize("kind", ["local", "ci"])
def test_the_recorder_costs_no_metrics(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER", "METRICS"):
        monkeypatch.delenv(name, raising=False)
    file = ROOT / "compose" / f"docker-compose.{kind}.yml"
    services, without = of_profile(file, tmp_path)
    recorded, traces = of_profile(file, tmp_path, "recorder")
    _, everything = of_profile(file, tmp_path, "observability")
    assert without == {"STACK_OWN_NAME": "shop"}
    assert recorded - services == {"dashboard"}
    assert traces["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://dashboard:4318"
    assert everything == {**traces, "METRICS": "true"}
    page = compose.load(file, environment=traces, profiles=("recorder",)).services["dashboard"]
    assert (page.environment["METRICS_TARGETS"], page.environment["STACK_OWN_NAME"]) == ("", "shop")
