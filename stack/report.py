"""What people are told: live tables on a terminal, one plain line a change elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from stack import transcript
from stack.errors import StackError
from stack.journal import Event
from stack.masking import mask_url, masked
from stack.model import Stack
from stack.state import StackState
from stack.terminal import is_terminal, paint, plain

BAD = frozenset({"exited", "unhealthy", "timed out", "port taken", "dependency failed"})
_COLOURS = {"ready": "32", "completed": "32", "starting": "33", "building": "36", "restarting": "33"}
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
        "nobody answers",
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


class Progress:
    """Shows how a stack comes up: on a terminal a table that moves, elsewhere a line a change."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._began = time.time()
        self._live = is_terminal(self._stream)
        self._rows: dict[str, tuple[str, str, float]] = {}
        self._drawn = 0

    def show(self, event: Event) -> None:
        """Take in one event."""
        if event.kind == "service":
            self._rows[event.service] = (event.state, event.text, event.at)
            if not self._live:
                words = f"{event.service:<12} {event.state:<10} {_first_line(event.text)}".rstrip()
                self._say(f"{event.at - self._began:7.2f}s  {words}")
        elif event.kind == "note":
            self._erase()
            self._say(f"{event.at - self._began:7.2f}s  {event.text}")
        self.draw()

    def draw(self) -> None:
        """Draw the table anew, with the time each service has been in its state."""
        if not self._live:
            return
        self._erase()
        now = time.time()
        for name, (state, text, since) in self._rows.items():
            colour = "31" if state in BAD else _COLOURS.get(state, "2")
            age = "" if state in {"ready", "completed"} else f"{now - since:5.1f}s"
            shown = paint(f"{state:<18}", colour, self._stream)
            self._stream.write(f"  {name:<14} {shown} {age:>7}  {plain(text)[:60]}\n")
        self._drawn = len(self._rows)
        self._stream.flush()

    def _erase(self) -> None:
        if self._live and self._drawn:
            self._stream.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def _say(self, text: str) -> None:
        self._stream.write(plain(text) + "\n")
        self._stream.flush()


def say(text: str = "") -> None:
    """Print a sentence."""
    print(text, flush=True)


def error(problem: StackError) -> None:
    """Print what happened and the way out."""
    print(paint("error: ", "31", sys.stderr) + plain(problem.message), file=sys.stderr)
    if problem.hint:
        print(f"       {problem.hint}", file=sys.stderr, flush=True)


def failure(events: Iterable[Event], run: Path) -> str:
    """Answer the account of a failed start: the first cause with its evidence, then what followed."""
    bad = [e for e in events if e.kind == "service" and e.state in BAD]
    first = next((e for e in bad if e.state != "dependency failed"), bad[0] if bad else None)
    if first is None:
        return f"The stack did not come up; see {run}."
    lines = [
        "",
        f"{first.service} failed: {first.state}, {first.text} ({first.seconds:.1f} s after its start)",
    ]
    if first.hint:
        lines.append(f"  last lines of {first.service}:")
        lines += [f"  | {part}" for line in first.hint.splitlines() for part in transcript.evidence(line)]
    else:
        lines.append(f"  {first.service} wrote nothing to its log")
    lines += [
        f"  then {e.service}: {e.state}, {_first_line(e.text)}"
        for e in bad
        if e is not first and e.service != first.service
    ]
    lines.append(f"  what to do: {advice(first)}")
    look = f"`inv logs{_stack_option(run)} --service {first.service}`"
    lines.append(f"  next: {look}; everything that was seen is in {run}")
    return "\n".join(plain(line) for line in lines)


def _first_line(text: str) -> str:
    """What a line of many has room for; the whole is told once, at the end."""
    return text.splitlines()[0] if text else ""


def advice(first: Event) -> str:
    """Answer what a person does about the first cause who has not met this service before."""
    for state, words, sentence in _ADVICE:
        if state == first.state and words in first.text:
            return sentence
    return "what it says above names the cause; correct that and start again"


def _stack_option(run: Path) -> str:
    """Answer the option that names the run's kind of stack, none for the usual one."""
    try:
        file = json.loads((run / "request.json").read_text(encoding="utf-8"))["files"][0]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    kind = Path(file).name.removeprefix("docker-compose.").removesuffix(".yml")
    return "" if kind == "local" else f" --stack {kind}"


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Answer rows as a table with headings."""
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max([len(c), *(len(line[i]) for line in cells)]) for i, c in enumerate(columns)]
    lines = [[c.upper() for c in columns], *cells]
    return "\n".join(
        "  ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def age(seconds: float) -> str:
    """Answer a duration in the largest unit that fits: 5s, 12m, 3h, 2d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def bytes_in_words(size: int) -> str:
    """Answer a size in MiB."""
    return f"{size / (1 << 20):.0f} MiB"


def addresses(kept: StackState) -> list[str]:
    """Answer where a person finds the services of a stack."""
    lines = [f"  {key:<13} {mask_url(value)}" for key, value in kept.endpoints.items()]
    urls = [value for key, value in kept.endpoints.items() if value.startswith("http")]
    checks = [f"{url}/health/" if number == 0 else f"{url}/health" for number, url in enumerate(urls)]
    return [*lines, "  try: " + "   ".join(f"curl {check}" for check in checks)] if checks else lines


def stack(loaded: Stack) -> str:
    """Answer a compose model as people read it, secrets masked."""
    lines = [f"{loaded.name}: {', '.join(str(file) for file in loaded.files)}"]
    for service in loaded.services.values():
        source = service.image or f"build {service.build.context if service.build else '?'}"
        lines.append(f"  {service.name}: {source}")
        lines += [f"    needs {d.service} ({d.condition})" for d in service.depends_on]
        lines += [f"    port {p.published or 'any'} -> {p.target}" for p in service.ports]
        lines += [f"    {key}={value}" for key, value in masked(service.environment).items()]
    return "\n".join(lines)
