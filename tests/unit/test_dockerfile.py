"""A Dockerfile is parsed as BuildKit parses it: instructions, stages, images."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.errors import ComposeError
from stack.model import Build
from stack.plan import dockerfile
from stack.plan.dockerfile import Heredoc, Instruction
from stack.plan.dockerfile_words import expand, split_words


def images(text: str, **build_args: str) -> tuple[str, ...]:
    return dockerfile.parse(text, build_args).images()


def instructions(text: str) -> tuple[Instruction, ...]:
    return dockerfile.parse(text, {}).stages[-1].instructions


def test_the_stages_of_a_dockerfile_are_no_images() -> None:
    text = "# FROM no:1\nFROM --platform=linux/amd64 python:3.13-slim AS Build\nFROM build\nFROM scratch\n"
    assert images(text + "COPY --from=build a b\n") == ("python:3.13-slim",)


def test_arguments_name_images() -> None:
    text = "ARG V=3.13\nARG BASE\nFROM python:${V}-slim\nFROM $BASE\nFROM ${NONE:-redis:7}\n"
    assert images(text, BASE="postgres:15") == ("python:3.13-slim", "postgres:15", "redis:7")
    assert images(text, BASE="postgres:15", V="3.12")[0] == "python:3.12-slim"


def test_an_image_that_files_are_copied_from_is_fetched_a_stage_number_is_not() -> None:
    text = "FROM a:1\nCOPY --chown=1 \\\n  --from=b:2 x y\nCOPY --from=0 x y\n"
    assert images(text) == ("a:1", "b:2")


def test_a_missing_dockerfile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match=r"Dockerfile: the Dockerfile cannot be read"):
        dockerfile.read(Build(context=tmp_path))


def test_continued_lines_are_one_instruction_without_the_comments_and_empty_lines_between_them() -> None:
    (instruction,) = instructions("FROM a\nRUN one \\\n# why\n\n  two\\  \nthree\n")
    assert instruction == Instruction(keyword="RUN", text="one   twothree")


def test_an_escaped_backslash_at_the_end_continues_nothing() -> None:
    assert [each.text for each in instructions("FROM a\nCMD a\\\\\nUSER b\n")] == ["a\\\\", "b"]


def test_a_directive_at_the_top_names_another_escape_character() -> None:
    text = "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN c:\\ `\n  d\n"
    assert [each.text for each in instructions(text)] == ["c:\\   d"]


def test_a_directive_after_a_comment_is_a_comment() -> None:
    assert [each.text for each in instructions("# why\n# escape=`\nFROM a\nRUN b \\\n c\n")] == ["b  c"]


def test_the_lines_of_a_here_document_are_no_instructions() -> None:
    text = 'FROM a\nRUN <<EOF\nCMD no\nEOF\nCOPY <<-"ONE" <<TWO /d/\n\tx\n\tONE\ny\nTWO\nCMD yes\n'
    run, copy, command = instructions(text)
    assert run.heredocs == (Heredoc(name="EOF", text="CMD no\n"),)
    one, two = copy.heredocs
    assert (one, two) == (Heredoc(name="ONE", text="x\n", is_quoted=True), Heredoc(name="TWO", text="y\n"))
    assert command == Instruction(keyword="CMD", text="yes")


def test_a_here_string_is_no_here_document() -> None:
    assert len(instructions("FROM a\nRUN cat <<<EOF\nUSER b\n")) == 2


def test_options_stand_before_the_text() -> None:
    (instruction,) = instructions("FROM a\nHEALTHCHECK --interval=5s --retries=2 CMD curl --fail x\n")
    assert instruction.options == {"interval": "5s", "retries": "2"}
    assert instruction.text == "CMD curl --fail x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("A='two words' B=\"x y\"", ["A='two words'", 'B="x y"']),
        (r"A=two\ words B", [r"A=two\ words", "B"]),
    ],
)
def test_a_quoted_or_escaped_blank_is_part_of_a_word(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("$A-${A}", "1-1"),
        ("'$A'\"$A\"", "$A1"),
        (r"\$A\ b", "$A b"),
        (r'"\n\""', r"\n" + '"'),
        ("${NONE}x$NONE", "x"),
        ("${A:-no}${NONE:-${A}b}${EMPTY-no}${EMPTY:-yes}", "11byes"),
        ("${A:+set}${NONE:+no}${EMPTY:+no}${EMPTY+yes}", "setyes"),
        ("a$", "a$"),
    ],
)
def test_a_word_is_expanded_as_in_an_image_build(word: str, value: str) -> None:
    assert expand(word, {"A": "1", "EMPTY": ""}) == value
