"""Give tests databases of their own: ``python -m stack.commands.test_databases STACK``, asked over a pipe.

A line is ``fresh`` or ``empty``, answered by one line of JSON with the database's name and URL, or with
``error``; or ``drop NAME``, which nobody waits for. At the end of the input everything is dropped.
"""

from __future__ import annotations

import json
import select
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from stack.commands import data_access
from stack.control import guardians
from stack.data.test_databases import TestDatabases
from stack.display import messages
from stack.errors import StackError

if TYPE_CHECKING:
    from stack.commands.data_access import Access


def main(arguments: list[str]) -> int:
    """Answer until the input ends; return the exit code."""
    try:
        access = data_access.access_to(guardians.require_running(arguments[0]))
        databases = TestDatabases(
            server=access.server,
            location=access.location(),
            recipe=access.recipe(),
            prepare=access.prepare,
            say=_to_errors,
        )
        try:
            while line := _next_line(databases):
                word, _, name = line.strip().partition(" ")
                if word == "drop":
                    databases.take_back(name)
                else:
                    messages.say(json.dumps(_answer(access, databases, word)))
        finally:
            databases.drop_all()
    except StackError as problem:
        messages.print_error(problem)
        return problem.code
    return 0


def _next_line(databases: TestDatabases) -> str:
    """Work on what nobody waits for until somebody asks; return the question, nothing at the end."""
    while not select.select([sys.stdin], [], [], 0)[0] and databases.work():
        pass
    return sys.stdin.readline()


def _answer(access: Access, databases: TestDatabases, word: str) -> dict[str, str]:
    try:
        name = databases.fresh() if word == "fresh" else databases.empty()
    except StackError as problem:
        return {"error": f"{problem.message} {problem.hint}"}
    target = replace(access.server, database=name)
    return {"name": name, "url": data_access.database_url(target, inside=False)}


def _to_errors(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
