"""Runs as they are recorded: services, start-up, tests."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from dashboard import events
from dashboard.app import create_app
from dashboard.settings import Settings, read
from dashboard.store import Store
from starlette.testclient import TestClient

from tests.conftest import EVENTS, RUN, TOKEN, write_run


def test_services_are_shown_with_their_times_and_the_chain_that_decided_them(
    client: TestClient, runs: Path
) -> None:
    write_run(runs)
    seen = client.get("/api/overview").json()
    assert (seen["run"], seen["phase"], round(seen["up_s"], 2)) == (RUN, "up", 1.0)
    assert [(each["name"], each["state"], each["starts"], each["settles"]) for each in seen["services"]] == [
        ("redis", "ready", 0.1, 0.2),
        ("backend", "ready", 0.2, 1.0),
    ]
    assert seen["chain"] == ["redis", "backend"]
    assert seen["stack"] == "ecommerce-ci-000001"


def failed_at(client: TestClient, runs: Path, *states: str) -> float | None:
    """Return when the page says that Redis failed, which had these states after it was ready."""
    later: list[dict[str, object]] = [
        {"at": 102.0 + number, "kind": "service", "service": "redis", "state": state}
        for number, state in enumerate(states)
    ]
    write_run(runs, events=[*EVENTS, *later])
    redis = client.get("/api/overview").json()["services"][0]
    assert (redis["starts"], redis["settles"]) == (0.1, 0.2)
    at: float | None = redis["fails"]
    return at


def test_a_service_that_failed_after_it_had_been_ready_is_told_from_one_that_never_was(
    client: TestClient, runs: Path
) -> None:
    assert failed_at(client, runs, "exited") == 2.0


def test_a_service_that_came_back_has_not_failed(client: TestClient, runs: Path) -> None:
    assert failed_at(client, runs, "exited", "starting", "ready", "stopped") is None


def test_a_service_that_never_came_up_has_failed_at_its_start(client: TestClient, runs: Path) -> None:
    write_run(runs, events=[*EVENTS[:3], {**EVENTS[3], "state": "exited"}])
    redis = client.get("/api/overview").json()["services"][0]
    assert (redis["came_up"], redis["fails"], redis["settles"]) == (False, None, 0.2)


def test_what_was_ready_only_after_a_service_started_is_not_on_its_chain(
    client: TestClient, runs: Path
) -> None:
    """It only had to have started."""
    receiver: list[dict[str, object]] = [
        {"at": 100.0, "kind": "service", "service": "receiver", "state": "starting"},
        {"at": 100.9, "kind": "service", "service": "receiver", "state": "ready"},
    ]
    run = write_run(runs, events=[*receiver, *EVENTS])
    needs = {"redis": "service_healthy", "receiver": "service_started"}
    services = {"redis": {"needs": {}}, "receiver": {"needs": {}}, "backend": {"needs": needs}}
    (run / "plan.json").write_text(json.dumps({"services": services}))
    assert client.get("/api/overview").json()["chain"] == ["redis", "backend"]


def test_the_page_waits_for_the_first_run(client: TestClient, runs: Path) -> None:
    questions = iter((False, True))
    client.app.state.is_stopping = lambda: next(questions)  # type: ignore[attr-defined]
    assert client.get("/api/events").text == "data: null\n\n"


def test_where_no_run_is_recorded_the_answer_says_what_to_type(client: TestClient) -> None:
    answer = client.get("/api/overview")
    assert answer.status_code == 404
    assert "inv up" in answer.json()["title"]


@pytest.mark.parametrize("other", ["20260131-130000-ecommerce-local", "20260131-130000-my-ecommerce-ci-1"])
def test_the_newest_run_is_that_of_the_pages_own_stack(settings: Settings, runs: Path, other: str) -> None:
    """Another stack of the same work tree has started since."""
    own = "20260131-120000-ecommerce-ci-1"
    write_run(runs, own)
    write_run(runs, other, events=EVENTS[:1])
    named = read({"DASHBOARD_TOKEN": TOKEN, "STACK_OWN_NAME": "ecommerce-ci-1"})
    app = create_app(replace(settings, stack=named.stack), Store(settings.database))
    with TestClient(app, base_url="http://127.0.0.1", cookies={"dashboard_token_80": TOKEN}) as client:
        assert client.get("/api/overview").json()["run"] == own
        assert f'"run": "{own}"' in client.get("/").text
        assert 'stack_service_ready_seconds{service="backend"}' in client.get("/metrics").text
        assert app.state.parts.receiver.run == own
        assert [each["run"] for each in client.get("/api/runs").json()] == [other, own]


@pytest.mark.parametrize("name", ["../outside", "..", "no-such-run", "a/b", "%00"])
def test_a_name_that_is_no_run_opens_no_other_folder(client: TestClient, runs: Path, name: str) -> None:
    write_run(runs)
    write_run(runs.parent, "outside")
    for path in ("/api/overview", "/api/logs", "/api/tests"):
        assert client.get(path, params={"run": name}).status_code == 404


def test_a_record_of_another_version_or_half_written_is_shown_as_far_as_it_goes(
    client: TestClient, runs: Path
) -> None:
    run = write_run(runs, events=[*EVENTS, {"kind": "odd"}, {"at": "soon", "kind": "service"}])
    with (run / "timeline.jsonl").open("a") as file:
        file.write('[1]\n{"at": 102.0, "kind": "serv')
    (run / "plan.json").write_text("[]")
    (run / "junit.xml").write_text("<testsuites><testsu")
    seen = client.get("/api/overview").json()
    assert (seen["phase"], seen["stack"]) == ("up", "")
    assert client.get("/api/tests").json() == []
    assert client.get("/api/runs").json()[0]["services"] == {"redis": 0.1, "backend": 0.8}


@pytest.mark.parametrize(
    "lines",
    [
        b'{"at": 1, "kind": "service"}',
        b'{"at": 1, "kind": {}, "service": ["a"], "state": 3, "text": {"b": 1}}',
        b'{"at": NaN, "kind": "stack"}\n{"at": Infinity, "kind": "service", "service": "a"}',
        b'{"at": 1, "kind": "service", "service": "a", "state": "exited", "text": "\\ud800"}',
        b'{"at":' * 3_000,
        b"\xff\xfe\0\n\n",
        b"",
    ],
    ids=["no name", "other types", "no numbers", "half a character", "nested", "no text", "empty"],
)
def test_a_record_of_another_version_hides_no_other_run(client: TestClient, runs: Path, lines: bytes) -> None:
    odd = write_run(runs, "20260131-130000-odd")
    (odd / "timeline.jsonl").write_bytes(lines)
    (odd / "junit.xml").write_text('<testsuites><testcase time="1,234.5" name="t"/></testsuites>')
    write_run(runs)
    assert [each["run"] for each in client.get("/api/runs").json()] == [odd.name, RUN]
    assert client.get("/api/overview", params={"run": odd.name}).status_code == 200
    assert client.get("/api/tests", params={"run": odd.name}).json()[0]["seconds"] == 0


def test_a_run_that_is_removed_meanwhile_hides_no_other(
    client: TestClient, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(runs)
    monkeypatch.setattr("dashboard.runs.names", lambda _: ["20260131-130000-gone", RUN])
    assert [each["run"] for each in client.get("/api/runs").json()] == [RUN]


def test_our_own_mistake_is_a_sentence_too(
    settings: Settings, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(runs)
    monkeypatch.setattr("dashboard.runs.tests", lambda _: 1 / 0)
    app, cookies = create_app(settings, Store(settings.database)), {"dashboard_token_80": TOKEN}
    with TestClient(
        app, base_url="http://127.0.0.1", cookies=cookies, raise_server_exceptions=False
    ) as client:
        answer = client.get("/api/tests")
    assert answer.status_code == 500
    assert answer.json()["title"].startswith("The dashboard failed: ZeroDivisionError.")


def test_a_failed_test_comes_with_its_text_and_its_trace(client: TestClient, runs: Path) -> None:
    run = write_run(runs)
    (run / "junit.xml").write_text(
        '<testsuites><testsuite><testcase name="test_buy" classname="test_shop" time="1.5">'
        '<properties><property name="trace_id" value="abc"/></properties>'
        '<failure message="assert 502 == 201">long</failure></testcase>'
        '<testcase name="test_ok" classname="test_shop" time="0.1"/></testsuite></testsuites>'
    )
    failed, passed = client.get("/api/tests").json()
    assert (failed["outcome"], failed["text"], failed["trace_id"]) == ("failed", "assert 502 == 201", "abc")
    assert passed["outcome"] == "passed"


async def _events(states: list[str]) -> list[str]:
    left = iter(states)
    current = ""

    def look() -> dict[str, str]:
        nonlocal current
        current = next(left, "over")
        return {"phase": current}

    return [event async for event in events.stream(look, over=lambda: current == "over")]


def test_an_event_is_sent_where_something_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr(events, "PAUSE_S", 0.0)
    sent = asyncio.run(_events(["starting", "starting", "up", "up", "down"]))
    assert [event.split('"')[3] for event in sent] == ["starting", "up", "down", "over"]
