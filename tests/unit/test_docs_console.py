"""How console blocks are read, and how their output is compared."""

from __future__ import annotations

import pytest

from docs.comparison import difference
from docs.console import Command, blocks


def commands(body: str) -> tuple[Command, ...]:
    (block,) = blocks("page.md", f"Text\n\n```console\n{body}```\n")
    return block.commands


def test_a_command_is_followed_by_its_output() -> None:
    first, second = commands("$ inv up\nup\n\n$ inv down\n")
    assert (first.text, first.output, first.line) == ("inv up", ("up",), 4)
    assert (second.text, second.output, second.line) == ("inv down", (), 7)


def test_a_backslash_continues_a_command() -> None:
    (command,) = commands("$ docker run \\\n    --rm x\nout\n")
    assert command.text == "docker run \\\n    --rm x"
    assert command.output == ("out",)


def test_a_here_document_belongs_to_its_command() -> None:
    (command,) = commands("$ cat > file <<'EOF'\n$ not a command\nEOF\ndone\n")
    assert command.text.splitlines()[-1] == "EOF"
    assert command.output == ("done",)


def test_ctrl_c_at_the_end_of_an_output_interrupts() -> None:
    (command,) = commands("$ inv logs -f\nline\n^C\n")
    assert command.interrupted
    assert command.output == ("line",)


def test_a_block_in_a_list_is_indented() -> None:
    (block,) = blocks("page.md", "1. Text\n\n   ```console\n   $ inv up\n   up\n   ```\n")
    assert block.commands[0].output == ("up",)


def test_output_without_a_command_is_an_error_of_the_page() -> None:
    with pytest.raises(ValueError, match="line 4 is output of no command"):
        commands("up\n")


@pytest.mark.parametrize("text", ["docker ps", "cd x && docker ps", "nox -s integration -- --engine docker"])
def test_a_command_that_needs_an_engine_is_known(text: str) -> None:
    assert commands(f"$ {text}\n")[0].needs_docker


def test_the_word_docker_alone_needs_no_engine() -> None:
    assert not commands("$ grep docker README.md\n")[0].needs_docker


@pytest.mark.parametrize(
    ("documented", "printed"),
    [
        ("up in 1.0 s", "up in 12.3 s"),
        ("  0.20s  redis        starting", "  10.20s  redis    starting"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:24901"),
        ("stack ecommerce-ci-bb723a on local", "stack ecommerce-ci-00f1a2 on local"),
        ("stack ecommerce-ci-bb723a on local", "stack ecommerce-ci-abcdef on local"),
        ("==== 107 passed in 9.03s ====", "=========== 112 passed in 11.5s ======"),
        ("144 passed in 8.6s", "144 passed in 86.63s (0:01:26)"),
        ("backend  Up 2 minutes (healthy)", "backend  Up About a minute (healthy)"),
        ("2026-01-02 03:04:05 ready", "2027-11-12 13:14:15 ready"),
    ],
)
def test_what_differs_from_run_to_run_is_no_difference(documented: str, printed: str) -> None:
    assert difference([documented], printed) == ""


@pytest.mark.parametrize(
    ("documented", "printed"),
    [
        ("redis ready", "redis starting"),
        ("3 services", "4 services"),
        ("one", "one\ntwo"),
        ("one\ntwo", "two\none"),
        ("one\ntwo", "one"),
        ("...\nlast", "last\nother"),
    ],
)
def test_any_other_difference_is_one(documented: str, printed: str) -> None:
    assert difference(documented.splitlines(), printed)


def test_a_slow_machine_prints_what_is_not_ready_yet() -> None:
    printed = "web starting\n   2.10s  web  starting   not ready yet: connection refused\nweb ready"
    assert difference(["web starting", "web ready"], printed) == ""


@pytest.mark.parametrize("printed", ["one\nlast", "one\ntwo\nthree\nlast"])
def test_three_dots_stand_for_any_lines(printed: str) -> None:
    assert difference(["one", "...", "last"], printed) == ""


def test_a_command_without_output_may_print_anything() -> None:
    assert difference([], "anything") == ""


def test_three_dots_within_a_line_stand_for_any_text() -> None:
    assert difference(["web-1 ... (healthy)"], "web-1  nginx  Up (healthy)") == ""
    assert difference(["web-1 ... (healthy)"], "web-1  nginx  Up (unhealthy)")
    assert difference(["NAME ... CPU %", "web ... 1"], "NAME        CPU %\nweb  x      1") == ""
    assert difference(["NAME ... CPU %"], "NAMECPU %")
    assert difference(["ok       python ...", "..."], "ok  python  3.11.7 (/usr/bin/python3)\nok uv") == ""
    assert difference(["ok       python ..."], "warning python 3.11")
