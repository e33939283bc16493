from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import rich
from rich.console import Console
from rich.table import Table

from stack.display import failure, messages, tables, terminal, transfer
from stack.display.progress import Progress
from stack.errors import NotUp
from stack.records.timeline import Event

RUN = Path("/runs/1")


def service(name: str, state: str, text: str = "", **values: str | float) -> Event:
    return Event(at=1.0, kind="service", service=name, state=state, text=text, **values)  # type: ignore[arg-type]


def test_the_first_cause_comes_before_its_consequences_with_its_evidence() -> None:
    events = [
        service("backend", "dependency failed", "postgres is not there"),
        service("postgres", "exited", "exited with code 1", seconds=0.5, evidence="no space\nbye"),
    ]
    told = failure.failure(events, RUN)
    assert "postgres failed: exited, exited with code 1 (0.5 s after its start)" in told
    assert "| no space" in told
    assert told.index("postgres failed") < told.index("then backend: dependency failed")
    assert "inv logs postgres" in told
    assert str(RUN) in told


def test_the_report_says_when_a_service_wrote_nothing() -> None:
    told = failure.failure([service("postgres", "exited", seconds=0.1)], RUN)
    assert "postgres wrote nothing to its log" in told


def test_a_service_that_was_not_started_has_no_seconds_and_no_log() -> None:
    told = failure.failure([service("web", "dependency failed", "db has no health check")], RUN)
    assert "web failed: dependency failed, db has no health check (it was not started)" in told
    assert "its log" not in told


@pytest.mark.parametrize(("seconds", "words"), [(5, "5s"), (60, "1m"), (7199, "1h"), (86400 * 2, "2d")])
def test_an_age_is_in_the_largest_unit_that_fits(seconds: int, words: str) -> None:
    assert tables.age(seconds) == words


def test_a_table_is_as_wide_as_its_widest_cell() -> None:
    rows = [{"name": "a", "state": "ready"}, {"name": "longer"}]
    assert tables.table(rows, ["name", "state"]).splitlines() == ["NAME    STATE", "a       ready", "longer"]


def test_where_no_terminal_is_each_change_is_a_plain_line() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.show(service("web", "ready", "HTTP 200"))
    progress.show(Event(at=1.0, kind="probe", service="web"))
    (line,) = stream.getvalue().splitlines()
    assert line.split()[1:] == ["web", "ready", "HTTP", "200"]
    assert "\x1b" not in line


def test_an_error_is_what_happened_and_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    messages.print_error(NotUp("The stack is not up.", hint="Start it with `inv up`."))
    assert capsys.readouterr().err == "error: The stack is not up.\n       Start it with `inv up`.\n"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_live_table_has_one_line_for_each_service_at_any_width(width: int) -> None:
    progress = Progress(io.StringIO())
    progress.show(service("api-gateway", "dependency failed", "backend " * 40))
    progress.show(service("web", "ready", "HTTP 200"))
    lines = lines_of(progress.table(), width)
    assert [line.split()[0] for line in lines] == ["api-gateway", "web"]
    assert "dependency failed" in lines[0]
    assert max(len(line) for line in lines) <= width


def test_a_table_on_a_terminal_breaks_its_cells_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "40")
    shown = tables.render([{"name": "web", "ports": "a" * 60}], ["name", "ports"], as_json=False)
    assert max(len(line) for line in shown.splitlines()) <= 40
    assert shown.count("a") == 60 + shown.splitlines()[0].count("a")


def lines_of(table: Table, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    ("file", "option"),
    [
        ("/tree/compose/docker-compose.local.yml", ""),
        ("/tree/compose/docker-compose.ci.yml", " --stack ci"),
        ("/elsewhere/my shop/compose.yml", " --compose '/elsewhere/my shop/compose.yml'"),
    ],
)
def test_the_next_command_names_the_stack_that_failed(tmp_path: Path, file: str, option: str) -> None:
    (tmp_path / "request.json").write_text(json.dumps({"files": [file]}))
    events = [Event(at=0.0, kind="service", service="web", state="exited", text="exited with code 3")]
    assert f"next: `inv logs web{option}`" in failure.failure(events, tmp_path)


@pytest.mark.parametrize("engine", ["local", "docker"])
def test_what_only_a_superuser_may_do_is_named_on_the_engine_that_gives_none(
    tmp_path: Path, engine: str
) -> None:
    (tmp_path / "request.json").write_text(json.dumps({"files": ["/c.yml"], "engine": engine}))
    text = "ERROR:  permission denied to create role"
    failed = Event(at=0.0, kind="service", service="job", state="exited", text="exited", evidence=text)
    said = failure.failure([failed], tmp_path)
    assert ("what to do: on the local engine POSTGRES_USER is no superuser" in said) is (engine == "local")


def test_a_line_and_its_end_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two writes Ctrl-C would put its own line behind half of another."""
    writes: list[str] = []

    class Terminal(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return len(text)

    monkeypatch.setattr("sys.stdout", Terminal())
    messages.say("GET /health/ 200")
    assert writes == ["GET /health/ 200\n"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[31mred\x07", "red"),
        ("\x9b2Jgone", "2Jgone"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("pay \u202e001\u202c now \u2066x", "pay \\u202e001\\u202c now \\u2066x"),
        ("plain", "plain"),
    ],
)
def test_control_codes_are_taken_out_and_what_turns_the_direction_is_shown_as_a_number(
    text: str, shown: str
) -> None:
    assert terminal.plain(text) == shown


def test_a_transfer_says_how_much_has_moved_in_the_words_of_everything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(transfer, "is_terminal", lambda stream: True)
    rich.reconfigure(file=shown, force_terminal=True, width=80, color_system=None)
    try:
        with transfer.show_progress() as progress:
            progress("dumping", 90 << 10)
    finally:
        rich.reconfigure()
    assert ("dumping 90 KiB" in shown.getvalue(), "/?" in shown.getvalue()) == (True, False)


@pytest.mark.parametrize(("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_one_thing_is_singular(number: int, said: str) -> None:
    assert tables.quantity(number, "row") == said


def test_where_no_table_fits_into_a_terminal_each_value_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda stream: True)
    rows = [
        {"name": "shop", "engine": "local", "work_tree": "/home/ann/projects/shop", "ports": "web:8000"},
        {"name": "other", "engine": "docker", "work_tree": "/srv/other", "ports": ""},
    ]
    columns = ["name", "engine", "work_tree", "ports"]
    monkeypatch.setenv("COLUMNS", "40")
    assert tables.render(rows, columns, as_json=False).splitlines() == [
        "shop",
        "  engine     local",
        "  work tree  /home/ann/projects/shop",
        "  ports      web:8000",
        "other",
        "  engine     docker",
        "  work tree  /srv/other",
    ]
    monkeypatch.setenv("COLUMNS", "60")
    assert tables.render(rows, columns, as_json=False).splitlines()[0].split() == [
        "NAME",
        "ENGINE",
        "WORK_TREE",
        "PORTS",
    ]
