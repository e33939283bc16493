"""Every command with every option: what it prints, and its exit code."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.cases import LISTINGS, REFUSALS, SERVICES, WORK, Case
from cli.conftest import ENGINE
from cli.terminal import Ended, Terminal, inv

ELSEWHERE = {
    "up": "--stack --engine --file --profile --timeout --watch --compose",
    "down": "--volumes --yes --stack --compose",
    "stop": "--stack --compose",
    "start": "--stack --compose",
    "restart": "--compose",
    "build": "--no_cache --compose",
    "ps": "--compose",
    "logs": "--follow --compose --request_id",
    "debug": "--stack --compose --launch_json",
    "test": "--watch",
    "open": "--compose",
    "seed": "--compose",
    "report": "--open --compose",
    "health": "--compose",
    "exec": "--compose",
    "run": "--compose",
    "manage": "--compose",
    "shell": "--stack --compose",
    "psql": "--compose",
    "redis-cli": "--compose",
    "stats": "--compose",
    "config": "--file --profile --compose --dry_run",
    "doctor": "--json",
    "prune": "--all --yes",
}
"""Options that the tests below type; `--compose` and `--stack` mean the same to every command."""

OWN_SUITES = {"backup", "dashboard", "restore", "snapshot", "reset-db"}
"""Commands whose options tests/data and the dashboard's tests type; here they are typed once."""


def check(ended: Ended, case: Case) -> None:
    assert ended.code == case.code, ended.out + ended.err
    for printed, pattern in ((ended.out, case.out), (ended.err, case.err)):
        assert re.search(_filled(pattern) if pattern else r"^$", printed), printed


def _filled(text: str) -> str:
    return text.replace("{engine}", ENGINE).replace("{services}", SERVICES)


@pytest.mark.parametrize("case", LISTINGS, ids=lambda case: case.typed)
def test_listings(typed: Callable[[str], Ended], case: Case) -> None:
    check(typed(case.typed), case)


@pytest.mark.parametrize("case", WORK, ids=lambda case: case.typed)
def test_work_in_the_stack(typed: Callable[[str], Ended], case: Case) -> None:
    check(typed(_filled(case.typed)), case)


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.typed)
def test_refusals_are_a_sentence_and_an_exit_code(typed: Callable[[str], Ended], case: Case) -> None:
    check(typed(case.typed), case)


def test_up_says_where_the_stack_is_and_how_to_try_it(up: Ended) -> None:
    lines = up.out.splitlines()
    for service in ("postgres", "redis", "backend", "worker", "api-gateway"):
        assert any(re.match(rf" +\d+\.\d\ds  {service} +ready ", line) for line in lines), up.out
    assert re.search(rf"cli-\w+ is up on {ENGINE} in [\d.]+ s\n  BACKEND_URL   http://127", up.out)
    assert "  DATABASE_URL  postgresql://postgres:***@127.0.0.1:" in up.out
    assert re.search(r"  try: curl http://127\.0\.0\.1:\d+/health/   curl http://127", up.out)


def test_a_service_is_stopped_and_started(typed: Callable[[str], Ended]) -> None:
    check(typed("stop worker"), Case(typed="stop", out=r"^worker: stopped\n$"))
    check(typed("ps worker"), Case(typed="ps", out=r"worker +stopped"))
    check(typed("start worker --stack local"), Case(typed="start", out=r"^worker: started and ready\n$"))


def test_the_database_is_reset(typed: Callable[[str], Ended]) -> None:
    typed('psql "create table cli_leftover ()"')
    ended = typed("reset-db")
    assert (ended.code, ended.err) == (0, "")
    assert "fresh" in ended.out or "new" in ended.out
    assert "cli_leftover" not in typed('psql "\\\\dt"').out


def test_data_is_saved_listed_and_restored(typed: Callable[[str], Ended]) -> None:
    for command in ("snapshot save typed", "snapshot restore typed"):
        ended = typed(command)
        assert (ended.code, ended.err) == (0, ""), command
    assert "typed" in typed("snapshot list").out
    assert typed("snapshot delete typed").code == 0
    assert "typed" not in typed("snapshot list").out


def test_the_doctor_reports_on_this_machine(typed: Callable[[str], Ended]) -> None:
    assert re.search(r"^ok       python +3\.", typed("doctor").out)
    assert re.search(r'"name": "python",\n  "level": "ok"', typed("doctor --json").out)


@pytest.mark.parametrize(
    "command", ["down --volumes", "snapshot delete asked", "snapshot delete asked --yes"]
)
def test_on_a_terminal_a_deletion_is_asked_about_once(
    typed: Callable[[str], Ended], terminal: Callable[[str], Terminal], command: str
) -> None:
    typed("snapshot save asked --overwrite")
    deleting = terminal(command)
    if "--yes" not in command:
        deleting.wait_for(r"\? \[y/N\] ")
        deleting.type("n")
        deleting.wait_for("error: Nothing was deleted")
    assert deleting.end() == (0 if "--yes" in command else 54)
    assert ("asked" in typed("snapshot list").out) == ("--yes" not in command)


def test_prune_keeps_running_stacks(typed: Callable[[str], Ended]) -> None:
    ended = typed("prune")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] in {"Done.", "There was nothing to remove."}
    assert typed("ps backend").code == 0


@pytest.mark.parametrize("command", ["exec redis sh", "run redis sh"])
def test_a_shell_in_a_service(terminal: Callable[[str], Terminal], command: str) -> None:
    shell = terminal(command)
    shell.wait_for(r"[#$] ")
    shell.type("echo $((6 * 7))")
    shell.wait_for(r"\n42\n[^\n]*[#$] ")
    shell.type("exit 3")
    assert shell.end() == 3


def test_psql_is_interactive(terminal: Callable[[str], Terminal]) -> None:
    psql = terminal("psql")
    psql.wait_for(r"postgres=[#>] ")
    psql.type("select 6 * 7;")
    psql.wait_for(r"\n +42\n[\s\S]*postgres=[#>] ")
    psql.type("\\q")
    assert psql.end() == 0


def test_redis_cli_is_interactive(terminal: Callable[[str], Terminal]) -> None:
    redis = terminal("redis-cli")
    redis.wait_for(r"\d+> ")
    redis.type("set cli-interactive 1")
    redis.wait_for(r"\nOK\n[^\n]*\d+> ")  # what is typed before the prompt is discarded
    redis.type("quit")
    assert redis.end() == 0


def test_the_shell_of_django_is_interactive(terminal: Callable[[str], Terminal]) -> None:
    shell = terminal("shell")
    shell.wait_for(r">>> ")
    shell.type("print(6 * 7)")
    shell.wait_for(r"\n42\n>>> ")
    shell.type("exit()")
    assert shell.end() == 0


def test_logs_are_followed_until_ctrl_c(
    typed: Callable[[str], Ended], terminal: Callable[[str], Terminal]
) -> None:
    logs = terminal("logs backend -f --tail 1")
    logs.wait_for(r"backend +\| ")
    assert typed("health").code == 0
    logs.wait_for(r"backend +\| .*GET /health/ 200")
    logs.interrupt()
    logs.wait_for("interrupted\n")
    assert logs.end() == 130


def test_tables_fit_a_terminal(terminal: Callable[[str], Terminal]) -> None:
    listing = terminal("ps")
    listing.wait_for(r"SERVICE +STATE")
    assert listing.end() == 0
    assert max(len(line) for line in listing.output.splitlines()) <= 100


def test_another_project_is_run_by_its_compose_file(other: Path) -> None:
    name = other.parent.name
    options = f"--compose {other}"

    def run(command: str) -> Ended:
        return inv(f"{command} {options}", {})

    check(run(f"up --engine {ENGINE} --timeout 60"), Case(typed="up", out=rf"{name} is up on {ENGINE} in "))
    check(run("ps"), Case(typed="ps", out=r"cache +ready"))
    check(run("logs cache --tail 1"), Case(typed="logs", out=r"cache +\| "))
    check(
        run("up spare"),
        Case(typed="up", code=31, err=rf"^error: {name} is up already, but only with cache"),
    )
    check(run("redis-cli ping"), Case(typed="redis-cli", out=r"^PONG\n$"))
    check(run("config"), Case(typed="config", out=rf"^{name}: {other}\n  cache: redis:7"))
    check(run("down"), Case(typed="down", out=rf"^{name} is down in [\d.]+ s; its data is deleted\n$"))
    check(run("ps"), Case(typed="ps", out=rf"^The stack {name} is not up\."))


def test_a_service_whose_profile_is_off_is_started_by_name(other: Path) -> None:
    started = inv(f"up spare --engine {ENGINE} --compose {other}", {})
    check(started, Case(typed="up", out=r"spare +ready"))
    assert "cache" not in started.out


def test_profiles_and_further_files(other: Path, tmp_path: Path) -> None:
    further = tmp_path / "further.yml"
    further.write_text("services: {cache: {environment: {ADDED: 'yes'}}}\n")
    words = f"--compose {other} --profile spare --file {further}"
    check(inv(f"config {words}", {}), Case(typed="config", out=r"(?s)ADDED=yes.*spare: redis:7"))
    check(inv(f"up --engine {ENGINE} {words}", {}), Case(typed="up", out=r"(?s)spare +ready.* is up on"))


def test_down_during_up_is_named_as_the_cause(other: Path) -> None:
    other.write_text(
        "services:\n  slow:\n    image: redis:7\n    ports: [6379]\n"
        "    healthcheck: {test: [CMD, 'false'], interval: 1s, start_period: 60s}\n"
    )
    starting = Terminal(f"up --engine {ENGINE} --compose {other}", {"TERM": "dumb"})
    try:
        starting.wait_for(r"slow +starting")
        assert inv(f"down --compose {other}", {}).code == 0
        starting.wait_for(r"error: The stack was ended by `inv down` before it was up\.")
        assert starting.end() == 8
    finally:
        starting.close()


def test_a_saved_file_reloads_its_service(tmp_path: Path) -> None:
    project = tmp_path / "watched"
    project.mkdir()
    (project / "app.py").write_text("import time\ntime.sleep(600)\n")
    (project / "Dockerfile").write_text(
        'FROM python:3.13-slim\nCOPY app.py /app.py\nCMD ["python3", "/app.py"]\n'
    )
    file = project / "compose.yml"
    file.write_text(
        "services: {app: {build: ., x-local: {command: python3 app.py}, stop_grace_period: 0s}}\n"
    )
    watching = Terminal(f"up --watch --engine {ENGINE} --compose {file}", {"TERM": "dumb"})
    try:
        watching.wait_for("watching app; Ctrl-C ends the watch, not the stack")
        (project / "app.py").write_text("import time\ntime.sleep(601)\n")
        watching.wait_for(r"app\.py was saved: reloading app\n")
        watching.wait_for(r"app is ready again\n")
        watching.interrupt()
        assert watching.end() == 130
    finally:
        watching.close()
        inv(f"down --volumes --compose {file}", {})


def test_every_command_and_every_option_is_typed() -> None:
    namespace = importlib.import_module("tasks").namespace
    typed: dict[str, str] = dict(ELSEWHERE)
    for case in (*LISTINGS, *WORK, *REFUSALS):
        command, *rest = shlex.split(case.typed)
        typed[command] = f"{typed.get(command, '')} {' '.join(rest)}"
    missing = [
        f"{name} --{argument.name}"
        for name in set(namespace.task_names) - OWN_SUITES
        for argument in namespace[name].get_arguments(ignore_unknown_help=True)
        if argument.default is not None and f"--{argument.name}" not in typed.get(name, "").split()
    ]
    assert missing == []
    assert set(namespace.task_names) - OWN_SUITES <= typed.keys()
