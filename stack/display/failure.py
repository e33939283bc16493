"""The account of a failed start: the first cause, its evidence, what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from stack.display import log_lines, terminal
from stack.display.terminal import plain
from stack.health.verdicts import BAD
from stack.records.timeline import Event

_ADVICE = (
    (
        "exited",
        "exit code 0",
        "a service stays in the foreground; a job that is meant to end needs others to wait for it by "
        "`condition: service_completed_successfully`",
    ),
    ("exited", "SIGKILL", "something outside ended it, most often for want of memory: see `inv doctor`"),
    ("exited", "killed by", "a signal ended it: a crash of its own (its last lines), or somebody's kill"),
    ("exited", "exited with code", "its last lines say why it ended; correct that and start again"),
    ("timed out", "instead", "let it listen at the port in its PORT variable, or correct its `healthcheck`"),
    (
        "timed out",
        "nothing answers",
        "it runs but listens nowhere: its log says what it waits for; if it is only slow, give its "
        "`healthcheck` a longer `start_period`",
    ),
    (
        "timed out",
        "hangs",
        "it takes connections and says nothing: its log may say what it waits for (a lock, another service)",
    ),
    ("unhealthy", "", "it runs and answers, but not well: its answer above and its log say what it lacks"),
    ("port taken", "", "end that program, or publish another port"),
)
"""State, words of its text, and what to do about it; the first that fits."""


def failure(events: Iterable[Event], run: Path) -> str:
    """Return the account of a failed start: the first cause with its evidence, then what followed."""
    bad = [e for e in events if e.kind == "service" and e.state in BAD]
    first = next((e for e in bad if e.state != "dependency failed"), bad[0] if bad else None)
    if first is None:
        return f"The stack did not come up; see {run}."
    lines = [
        "",
        f"{first.service} failed: {first.state}, {first.text} ({first.seconds:.1f} s after its start)",
    ]
    if first.evidence:
        lines.append(f"  last lines of {first.service}:")
        lines += [f"  | {part}" for line in first.evidence.splitlines() for part in log_lines.evidence(line)]
    else:
        lines.append(f"  {first.service} wrote nothing to its log")
    lines += [
        f"  then {e.service}: {e.state}, {terminal.first_line(e.text)}"
        for e in bad
        if e is not first and e.service != first.service
    ]
    lines.append(f"  what to do: {advice(first)}")
    look = f"`inv logs{_stack_option(run)} --service {first.service}`"
    lines.append(f"  next: {look}; everything that was seen is in {run}")
    return "\n".join(plain(line) for line in lines)


def advice(first: Event) -> str:
    """Return what a person does about the first cause who has not met this service before."""
    for state, words, sentence in _ADVICE:
        if state == first.state and words in first.text:
            return sentence
    return "what it says above names the cause; correct that and start again"


def _stack_option(run: Path) -> str:
    """Return the option that names the run's kind of stack, none for the usual one."""
    try:
        file = json.loads((run / "request.json").read_text(encoding="utf-8"))["files"][0]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    kind = Path(file).name.removeprefix("docker-compose.").removesuffix(".yml")
    return "" if kind == "local" else f" --stack {kind}"
