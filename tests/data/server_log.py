"""What reached a stack's Postgres, read in the log of a server that writes every statement into it."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path

from data.stack import Stack

STATEMENT = re.compile(r"LOG:  statement: (.*)")
COPIED = re.compile(r"\[(\d+)\] LOG:  statement: COPY .* FROM stdin")
READS = ("SELECT", "SET", "SHOW", "BEGIN", "COMMIT", "ROLLBACK")


def log_size(stack: Stack) -> int:
    """Return how many lines the log has."""
    return settled_log(stack).count("\n")


def settled_log(stack: Stack) -> str:
    """Return Postgres' log, once a statement of our own is in it: then what came before it is, too."""
    word = f"SELECT '{secrets.token_hex(8)}'"
    with stack.sql("template1") as cursor:
        cursor.execute(word)
    log, deadline = Path(stack.state["run"], "logs", "postgres.log"), time.monotonic() + 60
    while word not in (text := log.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline, "the log does not go on"
        time.sleep(0.02)
    return text


def processes_that_copied(stack: Stack, line: int) -> set[str]:
    """Return the server's processes that were sent the data of a table, from a line of the log on."""
    lines = settled_log(stack).splitlines()[line:]
    return {found[1] for text in lines if (found := COPIED.search(text))}


def written_since(stack: Stack, line: int) -> list[str]:
    """Return the statements in the log, from a line on, that do more than read."""
    found = [match[1] for text in settled_log(stack).splitlines()[line:] if (match := STATEMENT.search(text))]
    return [statement for statement in found if not statement.upper().startswith(READS)]
