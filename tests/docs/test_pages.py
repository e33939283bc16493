"""Every command of the pages works as it is written, and prints what the page says.

With DOCS_ENGINE=docker these are the command lines that need an Engine, most of them plain Docker Compose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import pytest

from docs.clone import ENGINE
from docs.comparison import difference
from docs.conftest import Reader, names_in_use
from docs.console import HERE_DOCUMENT, Block, Command, blocks
from docs.shell import Shell
from stack.system.directories import ROOT

PAGES: Final = ("README.md", "docs/integration-environment.md", "CONTRIBUTING.md")
IN_CI: Final = ("nox -s tests", "python3 -m pip install -e . && nox")
"""Commands that take minutes and whose sessions are stages of .ci/run."""

NOT_TYPED: Final = {
    **dict.fromkeys(IN_CI, "it takes minutes, and its sessions are stages of .ci/run"),
    ".ci/run": "this test is a part of it",
    "docker system prune -a --volumes": "it removes images and data of other projects",
    "lsof -ti:8000 | xargs kill -9": "it kills whatever listens there",
}
"""Commands that reach beyond the clone, each with the reason."""


def of_page(page: str) -> tuple[Block, ...]:
    return blocks(page, (ROOT / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_works_and_prints_what_the_page_says(page: str, reader: Reader) -> None:
    problems = [problem for block in of_page(page) for problem in follow(for_engine(block), reader)]
    assert not problems, "\n\n".join(problems)
    assert ENGINE != "docker" or names_in_use() == [], "the page leaves something of plain Docker Compose"


def for_engine(block: Block) -> Block:
    """Return the block, or of one for another engine the files that it writes: later blocks may use them."""
    if block.needs_docker == (ENGINE == "docker"):
        return block
    return replace(block, commands=tuple(each for each in block.commands if HERE_DOCUMENT.search(each.text)))


def follow(block: Block, reader: Reader) -> Iterator[str]:
    """Type the lines of a block into one shell; yield what is wrong with the output or the exit code."""
    with Shell(reader.folder, reader.environment) as shell:
        for number, command in enumerate(block.commands):
            if command.without_comment in NOT_TYPED:
                continue
            line = reader.translate(command.text)
            until = _as_documented(command) if command.interrupted else None
            printed = shell.type(line, interrupt_when=until)
            problem = difference(command.output, printed.output)
            following = [each.without_comment for each in block.commands[number + 1 : number + 2]]
            if not problem and printed.code and not command.interrupted and following != ["echo $?"]:
                problem = f"exit code {printed.code}"
            if problem:
                yield f"{block.page}:{command.line}: {problem}\n$ {line}\n{printed.output}"


def _as_documented(command: Command) -> Callable[[str], bool]:
    return lambda output: not difference(command.output, output)


def test_every_command_that_is_not_typed_is_in_a_page() -> None:
    texts = {
        command.text.partition("  #")[0].rstrip()
        for page in PAGES
        for block in of_page(page)
        for command in block.commands
    }
    assert set(NOT_TYPED) <= texts
