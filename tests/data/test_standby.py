"""The standby of a stack does short data commands; what is killed leaves data that is wholly old or new."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from data.keys import Keys
from data.stack import ENGINE, ROOT, START_LIMIT_S, Stack, running, standby_processes
from stack.data import lock
from unprotected.protection import Cut, protected_by

NUMBER = "SELECT oid FROM pg_database WHERE datname = 'postgres'"
OLD = "SELECT count(*) FROM catalog_product WHERE brand = 'old'"
STANDBY = "stack/commands/standby.py"


@pytest.fixture(autouse=True)
def _ready(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", stack.environment["STACK_HOME"])
    stack.wait_for_spare()


@contextmanager
def waiting(stack: Stack, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Type a command, and give it as soon as it, or the copy of the standby, waits for the lock."""
    with ExitStack() as ended, lock.exclusive(stack.name, say=print):
        command = ended.enter_context(
            subprocess.Popen(
                stack.argv(*words), env=stack.environment, encoding="utf-8",
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )
        )  # fmt: skip
        assert command.stdout is not None
        assert "waiting for another command" in command.stdout.readline()
        yield command


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def copies(stack: Stack) -> int:
    """Return how many copies of the standby are at work."""
    return len(standby_processes(stack.name)[1:])


@pytest.mark.parametrize("words", [("reset-db",), ("restore", "BACKUP"), ("backup", "--verify", "BACKUP")])
def test_a_short_command_is_done_by_a_copy_of_the_standby(
    stack: Stack, good_backup: Path, words: tuple[str, ...]
) -> None:
    with waiting(stack, *(str(good_backup) if word == "BACKUP" else word for word in words)) as command:
        assert copies(stack) == 1
    assert command.returncode == 0


@protected_by(
    "what asks for a passphrase, and starts GnuPG's agent, is done by the command itself",
    Cut(STANDBY, "    if request.word in USES_KEYS and", "    if False and"),
)
@pytest.mark.parametrize("verb", ["backup --encrypt", "backup --verify", "restore"])
def test_what_is_encrypted_is_not_left_to_the_standby(
    stack: Stack, tmp_path: Path, age_keys: Keys, verb: str
) -> None:
    sealed, encrypt = tmp_path / "sealed", ("--encrypt", age_keys.recipient)
    stack.typed("backup", str(sealed), *encrypt)
    words = {
        "backup --encrypt": ("backup", str(tmp_path / "another"), *encrypt),
        "backup --verify": ("backup", "--verify", str(sealed), *age_keys.identity),
        "restore": ("restore", str(sealed), *age_keys.identity),
    }
    with waiting(stack, *words[verb]) as command:
        assert copies(stack) == 0
    assert command.returncode == 0


@protected_by(
    "a standby works in the folder where the command was typed",
    Cut(STANDBY, "    os.chdir(request.folder)\n", ""),
)
def test_a_backup_is_written_where_it_was_typed_by_a_copy_of_the_standby(
    stack: Stack, tmp_path: Path
) -> None:
    interpreter, *words = stack.argv("backup", "copy")
    words[2:2] = ["--search-root", str(ROOT)]
    with ExitStack() as ended, lock.exclusive(stack.name, say=print):
        backup = ended.enter_context(
            subprocess.Popen([interpreter, *words], cwd=tmp_path, env=stack.environment)
        )
        wait_until(lambda: copies(stack) == 1, "a copy of the standby makes the backup")
    assert backup.returncode == 0
    assert (tmp_path / "copy" / "manifest.json").is_file()


@protected_by(
    "what a standby advises to type names the stack as the command did",
    Cut(STANDBY, "typed_commands.repeating(request.stack_options)", "typed_commands.repeating({})"),
)
def test_advice_of_a_standby_repeats_the_options_that_named_the_stack(stack: Stack) -> None:
    save = ("snapshot", "save", "advised", "--stack", stack.name)
    stack.typed_raw(*save)
    done = stack.typed_raw(*save)
    stack.typed("snapshot", "delete", "advised")
    assert done.code != 0
    assert f"`inv snapshot delete advised --stack {stack.name}` first" in done.output


@protected_by(
    "a command that was interrupted or killed interrupts its standby",
    Cut(STANDBY, "        os.kill(os.getpid(), signal.SIGINT)", "        pass"),
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_ends_early_changes_nothing_later(stack: Stack, number: signal.Signals) -> None:
    before = stack.value(NUMBER)
    with waiting(stack, "reset-db") as reset:
        reset.send_signal(number)
        wait_until(lambda: copies(stack) == 0, "the copy goes on without its command")
        output, _ = reset.communicate(timeout=60)
    assert reset.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert output.count("interrupted") == 1 or number != signal.SIGINT
    assert stack.value(NUMBER) == before


def test_where_its_standby_is_killed_a_command_says_so(stack: Stack) -> None:
    before = stack.value(NUMBER)
    with waiting(stack, "reset-db") as reset:
        standby_processes(stack.name)[1].kill()
        output, _ = reset.communicate(timeout=60)
    assert (reset.returncode, "did not finish the work" in output) == (29, True), output
    assert "Traceback" not in output
    assert stack.value(NUMBER) == before


def test_without_a_standby_the_command_does_the_work_and_the_guardian_starts_another(stack: Stack) -> None:
    before, killed = stack.value(NUMBER), standby_processes(stack.name)[0]
    killed.kill()
    stack.typed("reset-db")
    assert stack.value(NUMBER) != before
    wait_until(lambda: bool(standby_processes(stack.name)), "no standby was started")
    assert standby_processes(stack.name)[0].pid != killed.pid


@protected_by(
    "a standby of earlier code does no work",
    Cut(STANDBY, "if _modified(files) != modified:", "if False:"),
)
def test_a_standby_of_earlier_code_gives_way_to_a_new_one(stack: Stack) -> None:
    before, file = standby_processes(stack.name)[0], ROOT / "stack" / "commands" / "standby.py"
    changed = file.stat()
    try:
        os.utime(file, (changed.st_atime, changed.st_mtime + 1))
        stack.typed("reset-db")
        wait_until(lambda: not before.is_running(), "the standby of earlier code still runs")
        stack.wait_for_background()
        stack.typed("reset-db")
    finally:
        os.utime(file, ns=(changed.st_atime_ns, changed.st_mtime_ns))
    assert stack.get("/api/v1/products?limit=1")[0] == 200


@pytest.mark.parametrize("pause_ms", [150, 300])
def test_a_guardian_killed_during_a_reset_leaves_wholly_old_or_new_data(home: Path, pause_ms: int) -> None:
    service = "postgres" if ENGINE == "local" else "backend"  # elsewhere its container migrates and seeds
    with running(home / f"guardian-{pause_ms}", "local", "--service", service) as alone:
        alone.typed("reset-db")
        alone.wait_for_spare()
        with alone.sql() as cursor:
            cursor.execute("UPDATE catalog_product SET brand = 'old'")
        reset = subprocess.Popen(alone.argv("reset-db"), env=alone.environment, stderr=subprocess.DEVNULL)
        time.sleep(pause_ms / 1000)
        os.kill(alone.state["pid"], signal.SIGKILL)
        reset.wait(60)
        alone.typed("up", "--engine", ENGINE, "--service", service, "--timeout", START_LIMIT_S)
        assert alone.value(OLD) in {0, 1000}
        alone.typed("reset-db")
        assert alone.value(OLD) == 0
