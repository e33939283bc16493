"""What the verbs refuse, and what they say when there is nothing to do."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded_stacks import dead_pid, write_state

from stack.commands import down, health, logs, prune, ps, stacks, start_stop
from stack.control import guardians
from stack.control.choice import Choice
from stack.engines import registry
from stack.errors import InvalidOption, NotDisposable, NotUp, UnknownService
from stack.records import folders, plans, runs, service_logs, state, unmarked

DELETIONS = [
    lambda: down.run(Choice(), volumes=True, yes=True),
    lambda: prune.end_all([], yes=True),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_NAME", "shop-test")


@pytest.fixture
def name() -> str:
    return f"shop-{secrets.token_hex(4)}"


def test_down_of_what_is_not_up_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    down.run(Choice(), volumes=False, yes=True)
    assert capsys.readouterr().out == (
        "Nothing to end. The stack shop-test is not up. Start it with `inv up`.\n"
    )


def test_without_a_stack_the_message_tells_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    ps.run(Choice(), as_json=False)
    ps.run(Choice(), as_json=True)
    ps.run(Choice(), format="json")
    stacks.run(as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "The stack shop-test is not up. Start it with `inv up`.",
        "[]",
        "[]",
        "No stack is up on this machine.",
    ]


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidOption, match="no format 'xml'") as caught:
        ps.run(Choice(), format="xml")
    assert caught.value.hint == "Formats: table, json."


@pytest.mark.parametrize("verb", ["stop", "start", "restart"])
def test_services_of_what_is_not_up_are_not_changed(verb: str) -> None:
    with pytest.raises(NotUp, match="shop-test"):
        start_stop.run(Choice(), verb, "backend")


def test_down_with_volumes_forgets_what_a_stack_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "why_not", lambda engine: "not here")
    data = folders.of_stack("shop-test") / "volumes" / "data"
    data.mkdir(parents=True)
    down.run(Choice(), volumes=False, yes=True)
    assert data.exists()
    down.run(Choice(), volumes=True, yes=True)
    assert not data.exists()
    assert capsys.readouterr().out.splitlines()[-1] == "shop-test was not up; its data is deleted"


def test_down_with_volumes_says_that_an_engine_without_answer_keeps_what_a_run_left_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "why_not", lambda engine: "no daemon answers.")
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "docker-compose.local.yml").touch()
    run = runs.new_run(tmp_path, "shop-test")
    (run / "request.json").write_text(json.dumps({"name": "shop-test", "engine": "docker"}))
    down.run(Choice(work_tree=tmp_path), volumes=True, yes=True)
    assert capsys.readouterr().out.splitlines() == [
        "shop-test was not up; its data is deleted",
        "What docker keeps of it stays: no daemon answers.",
    ]


@pytest.mark.parametrize("delete", DELETIONS)
def test_in_production_nothing_is_deleted_not_even_what_an_ended_stack_kept(
    monkeypatch: pytest.MonkeyPatch, delete: Callable[[], None]
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings.production")
    data = folders.of_stack("shop-test") / "volumes" / "data"
    data.mkdir(parents=True)
    with pytest.raises(NotDisposable, match="DJANGO_SETTINGS_MODULE"):
        delete()
    assert data.exists()


@pytest.mark.parametrize("delete", DELETIONS)
def test_a_database_that_had_no_mark_outlives_its_stack(
    monkeypatch: pytest.MonkeyPatch, delete: Callable[[], None]
) -> None:
    monkeypatch.setattr(registry, "why_not", lambda engine: "not here")
    unmarked.record("shop-test", "db", "books", has_mark=False)
    with pytest.raises(NotDisposable, match="books had no disposable mark when the stack was last up"):
        delete()
    state.forget("shop-test", volumes=False)
    assert unmarked.stacks() == ["shop-test"]
    unmarked.record("shop-test", "db", "books", has_mark=True)
    delete()


def test_what_is_known_of_one_server_s_mark_leaves_that_of_another() -> None:
    unmarked.record("shop-test", "db", "books", has_mark=False)
    unmarked.record("shop-test", "audit", "books", has_mark=False)
    unmarked.record("shop-test", "db", "books", has_mark=True)
    assert unmarked.unmarked_database("shop-test") == "books"
    unmarked.record("shop-test", "audit", "books", has_mark=True)
    assert unmarked.unmarked_database("shop-test") is None


def test_the_log_of_a_service_that_has_none_is_answered_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "docker-compose.local.yml").touch()
    choice = Choice(work_tree=tmp_path)
    logs.run(choice, "backend")
    assert capsys.readouterr().out == "shop-test has not run here yet. Start it with `inv up`.\n"
    monkeypatch.setattr(Choice, "last_run", lambda choice: tmp_path)
    monkeypatch.setattr(service_logs, "logged_services", lambda run: ["backend", "redis"])
    with pytest.raises(UnknownService, match="'web'") as caught:
        logs.run(choice, "web")
    assert caught.value.hint == "Services: backend, redis."


def test_health_fails_where_one_service_is_not_well(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        guardians, "require_running", lambda name: write_state(name, tmp_path, pid=dead_pid())
    )
    monkeypatch.setattr(plans, "read", lambda name: None)
    rows = [{"service": "a", "health": "ok"}, {"service": "b", "health": "-"}]
    monkeypatch.setattr(health, "check_all", lambda plan, state: rows)
    assert health.run(Choice()) == 0
    rows.append({"service": "c", "health": "hang"})
    assert health.run(Choice()) == 1
