"""What `inv` understands without the name of an option."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.commands.menu import service_names

TASKS = """
import sys
from invoke import Collection, task
from stack.commands.menu import bare_words
from stack.commands.menu.task import ListsTask

@task(help={"service": "which one"})
def logs(c, service=None, follow=False, since=""):
    print("logs", service, follow, since)

@task
def exec(c, service, command):
    print("exec", service, command)

@task
def psql(c, command=None, stack="local"):
    print("psql", command, stack)

@task
def ps(c):
    print("ps")

@task
def snapshot(c, verb=None, name=None, stack="local"):
    print("snapshot", verb, name, stack)

@task(klass=bare_words.WordsTask)
def test(c, words=None, stack="local"):
    print("test", words, stack)

@task
def restore(c, path=None):
    print("restore", path)

@task(klass=ListsTask, iterable=["encrypt"])
def backup(c, path=None, encrypt=None):
    print("backup", path, encrypt)

namespace = Collection(logs, exec, psql, ps, snapshot, test, restore, backup)
bare_words.require_verb(namespace, sys.argv[1:])
bare_words.require_services(namespace, sys.argv[1:], services=lambda words: {"psql", "backend"})
bare_words.allow(namespace, sys.argv[1:], options=("service", "command", "name", "words", "path"))
"""


@pytest.fixture
def inv(tmp_path: Path) -> object:
    (tmp_path / "tasks.py").write_text(TASKS)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        argv = [sys.executable, "-m", "invoke", *arguments]
        return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("logs", "logs None False "),
        ("logs backend", "logs backend False "),
        ("logs backend -f", "logs backend True "),
        ("logs -f backend", "logs backend True "),
        ("logs --since 10m backend", "logs backend False 10m"),
        ("logs --service backend", "logs backend False "),
        ("exec backend env", "exec backend env"),
        ("--echo psql --stack ci select", "psql select ci"),
        ("snapshot", "snapshot None None local"),
        ("snapshot restore monday", "snapshot restore monday local"),
        ("snapshot --stack ci restore monday", "snapshot restore monday ci"),
        ("snapshot restore --name monday", "snapshot restore monday local"),
        ("restore monday", "restore monday"),
        ("backup monday", "backup monday []"),
        ("backup --encrypt ada monday --encrypt bob", "backup monday ['ada', 'bob']"),
        ("test ps", "test ps local"),
        ("test ps --stack ci", "test ps ci"),
        ("test --stack ci", "test None ci"),
        ("test", "test None local"),
        ("test checkout refund", "test checkout refund local"),
        ("test checkout ps refund --stack ci", "test checkout ps refund ci"),
        ("test --stack ci checkout refund", "test checkout refund ci"),
        ("test checkout --stack ci refund", "test checkout refund ci"),
        ("test --words checkout refund", "test checkout refund local"),
        ("logs backend ps", "logs backend False \nps"),
        ("logs psql", "logs psql False "),
        ("logs -f psql", "logs psql True "),
        ("logs --since 10m psql", "logs psql False 10m"),
        ("logs backend psql", "logs backend False \npsql None local"),
        ("logs --service backend psql", "logs backend False \npsql None local"),
        ("logs ps", "logs None False \nps"),
        ("exec psql env", "exec psql env"),
    ],
)
def test_a_word_is_the_value_of_the_option_whose_name_was_left_out(inv, typed: str, printed: str) -> None:
    done = inv(*typed.split())
    assert (done.stdout, done.stderr) == (f"{printed}\n", "")


@pytest.mark.parametrize(
    "typed", ["logs backend postgres", "ps backend", "logs --service a redis", "log", "logs --foo"]
)
def test_a_word_too_many_is_refused(inv, typed: str) -> None:
    done = inv(*typed.split())
    assert done.stderr == f"No idea what {typed.split()[-1]!r} is!\n"
    assert done.returncode == 1


def test_help_and_completion_know_the_options_as_before(inv) -> None:
    assert "--service=STRING   which one" in inv("logs", "--help").stdout
    assert "--verb=STRING" in inv("snapshot", "--help").stdout
    completed = inv("--complete", "--", "inv logs backend --f").stdout.split()
    assert {"--follow", "--service", "--since"} <= set(completed)


def test_services_are_those_of_the_file_that_is_named_or_of_the_projects_own(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("services: {dashboard: {image: x}}")
    assert service_names.of_command_line(["logs", "--compose", str(file), "dashboard"]) == {"dashboard"}
    assert service_names.of_command_line(["logs", f"--compose={tmp_path}/none.yml", "dashboard"]) == set()
    assert {"backend", "dashboard"} <= service_names.of_command_line(["logs", "dashboard"])


@pytest.mark.parametrize("typed", ["backup --encrypt", "backup --encrypt --path monday"])
def test_an_option_that_may_be_repeated_needs_a_value(inv, typed: str) -> None:
    done = inv(*typed.split())
    assert done.returncode == 1
    assert "needed value and was not given one" in done.stderr
