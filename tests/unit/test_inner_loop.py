"""`inv test` and `inv open`: which tests are meant, which ones a saved file concerns, where pages are."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.commands import browser
from stack.commands import open as pages
from stack.commands import test as command
from stack.commands.pytest_process import TESTS
from stack.control import guardians
from stack.control.choice import Choice
from stack.errors import InvalidOption
from stack.model import Service, Stack
from stack.plan.plan import Plan
from stack.plan.service_plan import ServicePlan
from stack.records import plans


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("", [str(TESTS)]),
        ("cart", [str(TESTS), "-k", "cart"]),
        ("cart checkout", [str(TESTS), "-k", "cart and checkout"]),
        ("cart or not checkout", [str(TESTS), "-k", "cart or not checkout"]),
        ("test_health", [str(TESTS / "test_health.py")]),
        ("test_health.py::test_x cart", [f"{TESTS / 'test_health.py'}::test_x", "-k", "cart"]),
        ("integration_tests/test_health_endpoints.sh", [str(TESTS / "test_health_endpoints.sh")]),
    ],
)
def test_words_are_files_of_tests_or_parts_of_names(words: str, arguments: list[str]) -> None:
    assert command.arguments(words) == arguments


@pytest.mark.parametrize(
    ("saved", "concerned"),
    [
        ([TESTS / "test_health.py"], [str(TESTS / "test_health.py")]),
        ([TESTS / "test_health.py", TESTS / "shop.py"], ["chosen"]),
        ([TESTS / "test_gone.py"], ["chosen"]),
        ([Path("/w/backend/core/views.py")], ["chosen"]),
    ],
)
def test_a_saved_file_of_tests_is_run_and_after_any_other_what_was_chosen(
    saved: list[Path], concerned: list[str]
) -> None:
    batch = {(1, str(path)) for path in saved}
    assert command.concerned_tests(batch, ["chosen"]) == concerned  # type: ignore[arg-type]


class Running:
    name = "shop"
    endpoints = {"BACKEND_URL": "http://127.0.0.1:1/", "GATEWAY_URL": "http://127.0.0.1:2"}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that a browser was given; the stack has no dashboard."""
    opened: list[str] = []

    empty = Stack(name="shop", files=(), directory=Path("/w"), services={})
    plan = Plan(name="shop", engine="local", stack=empty, services={}, endpoints={})
    monkeypatch.setattr(guardians, "require_running", lambda name: Running)
    monkeypatch.setattr(Choice, "resolve_name", lambda choice: "shop")
    monkeypatch.setattr(plans, "read", lambda name: plan)
    monkeypatch.setattr("webbrowser.open", opened.append)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return opened


def test_a_page_is_printed_and_opened_where_there_is_a_screen(
    shown: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    pages.run(Choice(), "admin")
    assert (capsys.readouterr().out, shown) == ("http://127.0.0.1:1/admin/\n", [])
    monkeypatch.setenv("DISPLAY", ":0")
    pages.run(Choice(), "docs")
    assert (capsys.readouterr().out, shown) == ("http://127.0.0.1:2/docs\n", ["http://127.0.0.1:2/docs"])
    assert browser.has_screen()


def test_without_a_page_all_are_listed_and_a_missing_one_says_why(
    shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pages.run(Choice(), "")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["  backend    http://127.0.0.1:1/health/", "  gateway    http://127.0.0.1:2/health"]
    assert lines[-4].startswith("  dashboard  - shop is up without its dashboard.")
    assert [line.split()[0] for line in lines[-3:]] == ["prometheus", "redis-ui", "pgadmin"]
    with pytest.raises(InvalidOption, match="There is no page 'nope'"):
        pages.run(Choice(), "nope")


def test_of_another_project_s_stack_the_services_that_publish_a_port_are_pages(
    shown: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def planned(name: str, ports: dict[int, int], server_image: str = "") -> ServicePlan:
        service = Service(name=name)
        return ServicePlan(
            service=service, argv=(), environment={}, ports=ports, cwd=Path("/"), server_image=server_image
        )

    services = (planned("web", {8000: 8086}), planned("db", {5432: 5433}, "postgres:15"), planned("rq", {}))
    stack = Stack(name="shop", files=(), directory=Path("/w"), services={})
    plan = Plan(
        name="shop",
        engine="local",
        stack=stack,
        services={each.name: each for each in services},
        endpoints={},
    )
    monkeypatch.setattr(plans, "read", lambda name: plan)
    monkeypatch.setattr(Running, "endpoints", {})
    pages.run(Choice(), "")
    assert capsys.readouterr().out == "  web        http://127.0.0.1:8086/\n"
    pages.run(Choice(), "web")
    assert capsys.readouterr().out == "http://127.0.0.1:8086/\n"
    with pytest.raises(InvalidOption, match="There is no page 'db'") as caught:
        pages.run(Choice(), "db")
    assert caught.value.hint == "Pages: web."
