"""Seeding, as a person at a terminal sees it, and as a script does."""

from __future__ import annotations

import os
import pty
import re
import subprocess

from data.stack import ROOT, Stack

SHOWN = re.compile(r"(\d+) (KiB|MiB)")
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20}


def typed_at_a_terminal(stack: Stack, *words: str) -> str:
    """Type a command at a terminal and return all that it wrote there, control codes included."""
    environment = {name: value for name, value in stack.environment.items() if name != "CI"}
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        stack.argv(*words),
        cwd=ROOT,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": "120"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    written = b""
    while True:
        try:
            written += os.read(leader, 65536)
        except OSError:  # the last process that had it open has ended
            break
    os.close(leader)
    assert process.wait() == 0, written.decode()
    return written.decode()


def test_a_terminal_shows_meanwhile_by_how_much_the_database_has_grown(stack: Stack) -> None:
    stack.typed("reset-db", "--empty")
    written = typed_at_a_terminal(stack, "seed", "--products", "2000", "--orders", "500")
    assert "seeding 2500 products and orders" in written
    sizes = [int(number) * UNITS[unit] for number, unit in SHOWN.findall(written)]
    assert sizes, written
    assert max(sizes) > 100_000
    assert written.rstrip().splitlines()[-1].endswith("s)")
    assert stack.value("SELECT count(*) FROM catalog_product") == 2000
    assert stack.value("SELECT count(*) FROM orders_order") == 500


def test_a_script_sees_one_sentence(stack: Stack) -> None:
    printed = stack.typed("seed", "--products", "2000", "--orders", "500", "--seed", "0")
    assert re.fullmatch(r"\S+: 2000 products and 500 past orders \([\d.]+ s\)\n", printed)
    stack.typed("reset-db")
