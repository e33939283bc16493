"""Prometheus on the local engine, and what it is configured with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from stack.engines.local import prometheus
from stack.engines.local.prometheus import PrometheusRunner
from stack.engines.local.server_spec import ServerSpec
from stack.model import Service
from stack.plan import images
from stack.system.directories import ROOT

FOLDER = ROOT / "compose" / "observability"
BOARD = json.loads((FOLDER / "grafana" / "dashboards" / "shop.json").read_text(encoding="utf-8"))
SOURCES = (
    "backend/core/metrics.py",
    "backend/operations/shop_metrics.py",
    "ai-services/api_gateway/gateway/metrics.py",
)


@pytest.fixture(autouse=True)
def plain_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "unprivileged", lambda *names: None)
    monkeypatch.setattr(prometheus, "prometheus_server", lambda: Path("/bin/prometheus"))


def launch(tmp_path: Path, *command: str, addresses: prometheus.Addresses | None = None) -> tuple[str, ...]:
    service = Service(name="prometheus", image="prom/prometheus")
    runner = PrometheusRunner(addresses=addresses or {})
    data = {"/prometheus": tmp_path / "data", "/etc/prometheus": FOLDER / "prometheus"}
    spec = ServerSpec(
        service=service, arguments=command, data=data, host="127.0.0.1", port=4000, state=tmp_path
    )
    return runner.prepare(spec).argv


def test_without_a_command_it_runs_what_the_official_image_runs(tmp_path: Path) -> None:
    assert launch(tmp_path) == (
        "/bin/prometheus",
        f"--config.file={tmp_path}/configuration/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        "--web.listen-address=127.0.0.1:4000",
    )


def test_options_of_the_file_stay_and_the_address_is_the_engine_s(tmp_path: Path) -> None:
    argv = launch(tmp_path, "--web.listen-address=:1", "--web.console.templates=/etc/prometheus/consoles")
    assert argv[1:] == (
        f"--web.console.templates={tmp_path}/configuration/consoles",
        "--web.listen-address=127.0.0.1:4000",
    )


def test_where_services_share_one_network_their_names_become_addresses(tmp_path: Path) -> None:
    launch(tmp_path, addresses={("backend", 9464): ("127.0.0.1", 31000)})
    text = (tmp_path / "configuration" / "prometheus.yml").read_text(encoding="utf-8")
    assert '["127.0.0.1:31000"]' in text
    assert '["worker:9464"]' in text
    original = (FOLDER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    assert '["backend:9464"]' in original


def queries() -> list[str]:
    """Return every query of the pages: Grafana's panels and the console templates."""
    found = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    for page in (FOLDER / "prometheus" / "consoles").glob("*.html"):
        found += re.findall(r'(?:query|with printf) "([^"]+)"', page.read_text(encoding="utf-8"))
    return found


def rules() -> list[dict[str, str]]:
    """Return the recording rules and the alerts."""
    files = [
        yaml.safe_load(file.read_text(encoding="utf-8")) for file in FOLDER.glob("prometheus/rules/*.yml")
    ]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def test_every_query_asks_for_what_a_service_counts_or_a_rule_records() -> None:
    text = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in SOURCES)
    counted = set(re.findall(r'"((?:http|shop|gateway)_[a-z_]+)"', text))
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = [*queries(), *(rule["expr"] for rule in rules())]
    assert len(asked) > 30
    for query in asked:
        for name in re.findall(r"(?<![\w:])(?:http|shop|gateway)_\w+(?![\w:])", query):
            assert re.sub(r"_(total|bucket|count)$", "", name) in counted, query
        for name in re.findall(r"\w+:\w+:\w+", query):
            assert name in recorded, query


def test_grafana_finds_its_data_source_its_dashboards_and_a_panel_in_each_place() -> None:
    provisioning = FOLDER / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    providers = yaml.safe_load((provisioning / "dashboards" / "shop.yml").read_text(encoding="utf-8"))
    (source,) = sources["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert providers["providers"][0]["options"]["path"] == "/etc/grafana/dashboards"
    assert {panel["datasource"]["uid"] for panel in BOARD["panels"]} == {source["uid"]}
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in BOARD["panels"])
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_its_image_adds_nothing_to_the_server() -> None:
    assert images.additions("prom/prometheus:v2.53.5") == ""
