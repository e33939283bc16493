"""Words without their option's name: `inv logs backend` means `inv logs --service backend`.

Invoke has only required positional arguments (https://github.com/pyinvoke/invoke/issues/159). So its parser
is asked which words of this command line it does not know, and the options that they are meant for become
positional arguments of their tasks, as if they had been declared so for this command line.
"""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Callable, Container, Sequence
from typing import Any

from invoke.collection import Collection
from invoke.exceptions import ParseError
from invoke.main import program
from invoke.parser import Parser
from invoke.parser.argument import Argument
from invoke.tasks import Task

OWN_WORDS = ("words", "page", "action")
"""Options whose value may be the name of a command: `inv open dashboard`."""


class WordsTask(Task[Any]):
    """A task that takes several words: `inv test checkout refund`. ``more`` counts those after the first."""

    more = 0

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the arguments of the task, and one for each further word."""
        further = [Argument(name=name, positional=True) for name in self._further()]
        return [*super().get_arguments(ignore_unknown_help), *further]

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Run the task with its words as one text."""
        further = [options.pop(name) for name in self._further() if name in options]
        if further:
            options["words"] = " ".join([options["words"], *further])
        return super().__call__(*arguments, **options)

    def _further(self) -> list[str]:
        return [f"word{number + 2}" for number in range(self.more)]


def allow(tasks: Collection, arguments: Sequence[str], *, options: Sequence[str]) -> None:
    """Let each word that ``arguments`` have beyond invoke's syntax be the value of one of ``options``.

    A word belongs to the task before it and to that task's first option that has no value yet, or to its
    words where it takes several. Invoke refuses what is left over.
    """
    while (task := _task_with_unknown_word(tasks, arguments)) is not None:
        option = next((name for name in options if _is_free(task, name)), None)
        if option is not None:
            task.positional = (*task.positional, option)
        elif isinstance(task, WordsTask):
            task.more += 1
        else:
            return


def require_verb(tasks: Collection, arguments: Sequence[str]) -> None:
    """Read the word after a task that has a verb or words of its own as that, even if it is a command, too.

    `inv snapshot restore monday` is one command, though there is `inv restore`; `inv test health` tests.
    Where help is asked for, nothing is required, because invoke would read `--help` as the verb.
    """
    if {"-h", "--help"} & set(arguments):
        return
    for index, (name, word) in enumerate(itertools.pairwise(arguments)):
        if name not in tasks.task_names:
            continue
        if _is_free(tasks[name], "verb"):
            tasks[name].positional = (*tasks[name].positional, "verb")
        elif not word.startswith("-"):
            first = next((option for option in OWN_WORDS if _is_free(tasks[name], option)), None)
            tasks[name].positional = (*tasks[name].positional, *([first] if first else []))
            if first:
                _take_words(tasks[name], arguments[index + 2 :])
                return  # the words after it are its own


def _take_words(task: Task[Any], words: Sequence[str]) -> None:
    """Read what follows a task's first word, up to an option, as words of its own where it takes several."""
    if isinstance(task, WordsTask):
        task.more += len(list(itertools.takewhile(lambda word: not word.startswith("-"), words)))


def require_services(
    tasks: Collection, arguments: Sequence[str], *, services: Callable[[Sequence[str]], Container[str]]
) -> None:
    """Read the name of a service after a task that takes one as its service, even where it is a command, too.

    `inv logs dashboard` shows the logs of the service, `inv restart ps` is two commands. ``services`` returns
    the names of services for a command line; it is called only where it matters.
    """
    for index, word in enumerate(arguments):
        if index and word in tasks.task_names and (task := _open_task(tasks, arguments[:index])) is not None:
            if word in services(arguments):
                task.positional = (*task.positional, "service")
            return


def _open_task(tasks: Collection, arguments: Sequence[str]) -> Task[Any] | None:
    """Return the last task of a command line where the next word may be its service."""
    name = next((word for word in reversed(arguments) if word in tasks.task_names), None)
    task = tasks[name] if name else None
    if task is None or not _is_free(task, "service") or _task_with_unknown_word(tasks, arguments) is not None:
        return None
    is_given = any(word == "--service" or word.startswith("--service=") for word in arguments)
    return None if is_given else task


def _task_with_unknown_word(tasks: Collection, arguments: Sequence[str]) -> Task[Any] | None:
    """Return the task whose arguments contain the first word that invoke's parser does not know.

    An unknown option is no such word: invoke refuses it.
    """
    named = [tasks[word] for word in dict.fromkeys(arguments) if word in tasks.task_names]
    copies = copy.deepcopy(named)  # because building contexts uses up the help texts
    contexts = Collection(*copies).to_contexts()
    parser = Parser(contexts=contexts, initial=program.initial_context, ignore_unknown=True)
    try:
        result = parser.parse_argv(list(arguments))
    except ParseError:
        return None
    name = result[-1].name
    is_word = bool(result.unparsed) and not result.unparsed[0].startswith("-")
    return tasks[name] if is_word and name else None


def _is_free(task: Task[Any], option: str) -> bool:
    """Return whether a task has an option that may be omitted and is not positional yet."""
    parameter = inspect.signature(task.body).parameters.get(option)
    return parameter is not None and parameter.default is None and option not in task.positional
