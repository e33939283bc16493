"""`inv test`: the integration tests against the stack that is up, again whenever a file is saved."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stack.commands import evidence, options, pytest_process, watch
from stack.commands.pytest_process import TESTS
from stack.control import guardians
from stack.control.choice import Choice
from stack.display import messages
from stack.environments import virtualenv
from stack.errors import NotUp, StackError
from stack.records import failed_tests, plans, service_logs
from stack.records.state import StackState
from stack.system import programs

if TYPE_CHECKING:
    from watchfiles import Change

SUFFIXES = frozenset({".py", ".sh"})


def run(choice: Choice, words: str, *, watch_files: bool = False) -> None:
    """Run the tests that ``words`` choose, all where there are none; the stack stays as it is.

    With ``watch_files`` run those that a saved file concerns again, until Ctrl-C or the end of the stack.

    Raises:
        NotUp: the stack is not up.
        NotReady: one of its services is not.
        TestsFailed: the tests did not pass.
    """
    stack = guardians.require_running(choice.resolve_name())
    chosen = arguments(words)
    if not watch_files:
        _run(stack, chosen)
        return
    _try(stack, chosen)
    _watch(stack, chosen)


def arguments(words: str) -> list[str]:
    """Return pytest's arguments for words: files of tests by their names, other words as one ``-k``.

    Several words are all to be in a test's name, unless they are an expression with `and`, `or` or `not`.
    """
    split = options.words(words) if words else []
    files = [path for word in split if (path := _file(word))]
    names = [word for word in split if not _file(word)]
    expression = " ".join(names) if {"and", "or", "not"} & set(names) else " and ".join(names)
    return [*(files or [str(TESTS)]), *(["-k", expression] if expression else [])]


def _file(word: str) -> str:
    """Return the file of tests that a word names, "" where it names none; ``::test`` may follow its name."""
    name, separator, test = word.partition("::")
    for suffix in ("", *SUFFIXES):
        path = TESTS / f"{Path(name).name}{suffix}"
        if path.suffix in SUFFIXES and path.is_file():
            return f"{path}{separator}{test}"
    return ""


def _run(stack: StackState, chosen: Sequence[str]) -> None:
    run = Path(stack.run)
    (run / failed_tests.FILE).unlink(missing_ok=True)
    began = service_logs.stamp_of(time.time())
    python = virtualenv.sync(TESTS).python
    argv = pytest_process.argv_of(python, run, chosen, ["-q"])
    interrupts: list[bool] = []
    code = programs.attach(
        argv,
        env=pytest_process.environment_of(stack, run),
        cwd=TESTS.parent,
        on_interrupt=lambda: interrupts.append(True),
    )
    if interrupts:
        raise KeyboardInterrupt
    evidence.show_tests(stack.name, run, since=began)
    pytest_process.require_passed(code, run)


def _try(stack: StackState, chosen: Sequence[str]) -> None:
    """Run tests; that they fail does not end the watch."""
    try:
        _run(stack, chosen)
    except StackError as error:
        messages.print_error(error)


def _watch(stack: StackState, chosen: Sequence[str]) -> None:
    from watchfiles import watch as changed_files

    projects = dict(watch.service_projects(plans.read(stack.name)))
    changes = changed_files(
        TESTS,
        *set(projects.values()),
        watch_filter=lambda change, path: _is_test(path) or watch.is_source(path, projects.values()),
        debounce=watch.DEBOUNCE_MS,
        rust_timeout=watch.ALIVE_CHECK_MS,
        yield_on_timeout=True,
    )
    first = next(changes)  # from now on no change is missed
    messages.say(f"watching {TESTS.name}, {', '.join(projects)}; Ctrl-C ends the watch")
    for batch in itertools.chain([first], changes):
        if guardians.alive(stack.name) is None:
            raise NotUp(f"{stack.name} has ended.", hint="Start it again with `inv up`.")
        for name, file in watch.changed_services(projects, batch):
            messages.say(f"{file} was saved: reloading {name}")
            watch.reload_service(stack, name, messages.advise)
        if batch:
            concerned = concerned_tests(batch, chosen)
            messages.say(f"{Path(sorted(path for _, path in batch)[0]).name} was saved: testing")
            _try(stack, concerned)


def concerned_tests(batch: set[tuple[Change, str]], chosen: Sequence[str]) -> list[str]:
    """Return the tests that saved files concern: those in them where all are tests, else those chosen."""
    files = sorted(Path(path) for _, path in batch)
    own = [str(file) for file in files if _is_test(str(file)) and file.name.startswith("test_")]
    if len(own) == len(files) and all(Path(each).is_file() for each in own):
        return own
    return list(chosen)


def _is_test(path: str) -> bool:
    file = Path(path)
    return file.parent == TESTS and file.suffix in SUFFIXES
