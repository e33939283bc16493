"""The timeline of a run: one JSON object a line, written by the guardian, followed by everybody else."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "timeline.jsonl"
POLL_S = 0.01


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened. ``at`` is seconds since the epoch.

    ``kind`` is ``service`` (``state`` is its new state), ``process`` (its first process: ``pid`` and what
    ``stack.processes.started`` says of it), ``stack`` (``state`` is starting, up, failed,
    stopping, down), ``note``, ``probe`` or ``error`` (``code`` is the exit code, ``hint`` the way out).
    """

    at: float
    kind: str
    state: str = ""
    service: str = ""
    text: str = ""
    hint: str = ""
    code: int = 0
    pid: int = 0
    started: float = 0.0
    seconds: float = 0.0


class Timeline:
    """Appends events to a run's timeline."""

    def __init__(self, run: Path, clock: Callable[[], float] = time.time) -> None:
        run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = (run / FILE).open("a", encoding="utf-8", buffering=1)
        self._clock = clock

    def write(self, kind: str, **values: str | int | float) -> Event:
        event = Event(at=round(self._clock(), 4), kind=kind, **values)  # type: ignore[arg-type]
        line = json.dumps({k: v for k, v in asdict(event).items() if v not in ("", 0, 0.0)}) + "\n"
        with contextlib.suppress(OSError):  # a full disk costs the record, never the stack
            self._file.write(line)
        return event

    def service(
        self, name: str, state: str, text: str = "", *, seconds: float = 0.0, hint: str = ""
    ) -> Event:
        return self.write(
            "service", service=name, state=state, text=text, seconds=round(seconds, 3), hint=hint
        )

    def stack(self, state: str, text: str = "") -> Event:
        return self.write("stack", state=state, text=text)

    def note(self, text: str) -> None:
        self.write("note", text=text)

    def close(self) -> None:
        self._file.close()


def read(run: Path) -> list[Event]:
    """Return all events of a run so far."""
    try:
        lines = (run / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [event for line in lines if (event := _parse(line)) is not None]


def follow(
    run: Path,
    *,
    ended: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
    poll_s: float = POLL_S,
) -> Iterator[Event]:
    """Return events as they come, from the first, until ``ended`` says that no more will."""
    path = run / FILE
    while not path.exists():
        if ended():
            return
        sleep(poll_s)
    with path.open(encoding="utf-8") as file:
        rest = ""
        while True:
            over = ended()
            chunk = file.read()
            if not chunk:
                if over:
                    return
                sleep(poll_s)
                continue
            *lines, rest = (rest + chunk).split("\n")
            yield from (event for line in lines if (event := _parse(line)) is not None)


def _parse(line: str) -> Event | None:
    try:
        return Event(**json.loads(line))
    except (ValueError, TypeError):
        return None
