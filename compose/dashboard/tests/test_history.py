"""When services are asked for their metrics, and what is kept of the answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from dashboard import events, history
from dashboard.app import create_app
from dashboard.history import History
from dashboard.scraping import NoAnswer, Target
from dashboard.settings import BadEnvironment, Settings, read
from dashboard.store import Store
from starlette.testclient import TestClient

from tests.conftest import TOKEN

BACKEND = Target(name="backend", url="http://backend:9464/metrics")
WORKER = Target(name="worker", url="http://worker:9464/metrics")
ADDRESSES = {"DASHBOARD_TOKEN": TOKEN, "METRICS_TARGETS": f"backend={BACKEND.url}  worker={WORKER.url}"}


class Services:
    """Two services, of which the worker does not answer, and a clock that the test sets."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.often_asked = asyncio.Event()
        self.now = 0.0
        self.orders = 0

    async def fetch(self, url: str) -> str:
        self.asked.append(url)
        if len(self.asked) >= 6:
            self.often_asked.set()
        if url == WORKER.url:
            raise NoAnswer("no answer within 2 s")
        self.orders += 1
        return f'shop_orders{{state="paid"}} {self.orders}\n'


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def kept(services: Services) -> History:
    return History([BACKEND, WORKER], fetch=services.fetch, clock=lambda: services.now)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a pause between two rounds."""
    monkeypatch.setattr(history, "EVERY_S", 0.0)


@pytest.mark.usefixtures("often")
def test_services_are_asked_while_a_page_is_open_and_at_no_other_time(
    kept: History, services: Services
) -> None:
    async def visit() -> tuple[int, int, int]:
        await asyncio.sleep(0.05)
        before = len(services.asked)
        with kept.watched(), kept.watched():
            await services.often_asked.wait()
        await asyncio.sleep(0.05)
        at_the_end = len(services.asked)
        await asyncio.sleep(0.05)
        return before, at_the_end, len(services.asked)

    before, at_the_end, later = asyncio.run(asyncio.wait_for(visit(), 10))
    assert before == 0
    assert later == at_the_end


@pytest.mark.usefixtures("often")
def test_the_second_of_two_pages_is_served_after_the_first_has_gone(
    kept: History, services: Services
) -> None:
    async def visit() -> None:
        with kept.watched():
            with kept.watched():
                pass
            await services.often_asked.wait()

    asyncio.run(asyncio.wait_for(visit(), 10))
    assert len(services.asked) >= 6


def test_a_service_that_does_not_answer_is_said_and_the_others_are_shown(kept: History) -> None:
    asyncio.run(kept.ask())
    shown = kept.shown()
    assert [(each["name"], each["problem"]) for each in shown["services"]] == [
        ("backend", ""),
        ("worker", "no answer within 2 s"),
    ]
    assert [(chart["title"], chart["points"]) for chart in shown["shop"]] == [("orders: paid", [(0.0, 1.0)])]


def test_an_answer_in_another_format_is_said() -> None:
    async def fetch(_: str) -> str:
        return "<html>"

    kept = History([BACKEND], fetch=fetch)
    asyncio.run(kept.ask())
    (backend,) = kept.shown()["services"]
    assert backend["problem"].startswith("not in Prometheus' format")


def test_a_failure_of_ours_is_shown_and_the_next_round_is_asked() -> None:
    answers = ["", "shop_orders 1\n"]

    async def fetch(url: str) -> str:
        if not answers[0]:
            answers.pop(0)
            raise RuntimeError("odd")
        return answers[0]

    kept = History([BACKEND], fetch=fetch)
    for problem in ("the dashboard failed: RuntimeError: odd", ""):
        asyncio.run(kept.ask())
        (backend,) = kept.shown()["services"]
        assert backend["problem"] == problem


def test_ten_minutes_are_kept(kept: History, services: Services) -> None:
    async def ask_for_an_hour() -> None:
        for services.now in range(0, 3600, 5):
            await kept.ask()

    asyncio.run(ask_for_an_hour())
    (paid,) = kept.shown()["shop"]
    assert paid["points"][0] == (3600.0 - 600, 601.0)
    assert (len(paid["points"]), kept.shown()["now"]) == (120, 3595)


def test_who_comes_back_later_is_shown_nothing_old(kept: History, services: Services) -> None:
    async def come_back() -> None:
        await kept.ask()
        services.now = 3600.0
        with kept.watched():
            await asyncio.sleep(0)
            assert kept.shown()["shop"] == []

    asyncio.run(come_back())


def test_the_page_is_given_the_charts(settings: Settings) -> None:
    app = create_app(replace(settings, targets=(BACKEND,)), Store(settings.database))
    with TestClient(app, base_url="http://127.0.0.1", cookies={"dashboard_token_80": TOKEN}) as client:
        answer = client.get("/api/metrics")
    assert answer.json() == {
        "now": 0.0,
        "window_s": 15.0,
        "services": [{"name": "backend", "problem": "", "charts": []}],
        "shop": [],
    }


def test_the_targets_are_read_from_the_environment() -> None:
    assert read(ADDRESSES).targets == (BACKEND, WORKER)
    assert read({"DASHBOARD_TOKEN": TOKEN}).targets == ()


@pytest.mark.parametrize(
    "targets", ["backend", "backend=backend:9464", "backend=ftp://b:1/", "backend=http://b:99999/metrics"]
)
def test_a_target_that_is_no_address_is_named(targets: str) -> None:
    with pytest.raises(BadEnvironment, match="is not like backend=http"):
        read({**ADDRESSES, "METRICS_TARGETS": targets})


def test_the_page_is_open_as_long_as_its_stream_of_events(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, runs: Path
) -> None:
    """The stream is read to its end by a server that stops."""
    asked: list[str] = []

    async def ask(self: History) -> None:
        asked.append("")

    monkeypatch.setattr(History, "ask", ask)
    monkeypatch.setattr(events, "PAUSE_S", 0.01)
    app = create_app(replace(settings, targets=(BACKEND,)), Store(settings.database))
    rounds = iter([False, False, True])
    app.state.is_stopping = lambda: next(rounds)
    (runs / "one").mkdir()
    (runs / "one" / "timeline.jsonl").write_text("")
    with TestClient(app, base_url="http://127.0.0.1", cookies={"dashboard_token_80": TOKEN}) as client:
        client.get("/api/overview")
        assert asked == []
        assert client.get("/api/events").text.startswith("data: ")
    assert asked == [""]
