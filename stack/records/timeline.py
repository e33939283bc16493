"""The timeline of a run: one JSON object a line, written by the guardian, followed by commands."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

FILE = "timeline.jsonl"
POLL_S = 0.01
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""Later moments have no date."""

MISTAKE = "mistake"
"""The state of a note on what is probably a mistake in the compose files."""


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that happened. ``at`` is seconds since the epoch.

    ``kind`` is ``service`` (``state`` is its new state; after a failure ``evidence`` is the last lines of its
    log and ``symptom`` is as in ``stack.health.verdicts``), ``process`` (a service's first process: ``pid``,
    and ``started`` as in ``stack.system.processes``), ``stack`` (``state`` is starting, up, failed, stopping,
    down), ``note``, ``probe`` or ``error`` (``code`` is the exit code, ``hint`` the way out).
    """

    at: float
    kind: str
    state: str = ""
    service: str = ""
    text: str = ""
    hint: str = ""
    evidence: str = ""
    symptom: str = ""
    code: int = 0
    pid: int = 0
    started: float = 0.0
    seconds: float = 0.0


class Timeline:
    """Appends events to a run's timeline."""

    def __init__(self, run: Path, clock: Callable[[], float] = time.time) -> None:
        run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = (run / FILE).open("ab", buffering=0)
        self._clock = clock
        self.redact: Callable[[str], str] = str
        """Masks secrets in every text that is written."""

    def write(self, kind: str, **values: str | int | float) -> None:
        """Append an event; ``values`` are its fields."""
        shown = {
            key: self.redact(value) if isinstance(value, str) else value for key, value in values.items()
        }
        event = Event(at=round(self._clock(), 4), kind=kind, **shown)  # type: ignore[arg-type]
        with contextlib.suppress(OSError):  # a full disk costs the record, never the stack
            self._file.write(msgspec.json.encode(event) + b"\n")

    def service(self, name: str, state: str, text: str = "", **values: str | float) -> None:
        """Append a service's transition to ``state``; ``values`` are further fields of the event."""
        self.write("service", service=name, state=state, text=text, **values)

    def stack(self, state: str, text: str = "") -> None:
        """Append the stack's transition to ``state``."""
        self.write("stack", state=state, text=text)

    def note(self, text: str, state: str = "") -> None:
        """Append a sentence for the person who watches."""
        self.write("note", text=text, state=state)

    def close(self) -> None:
        self._file.close()


def read(run: Path) -> list[Event]:
    """Return all events of a run so far."""
    try:
        lines = (run / FILE).read_bytes().split(b"\n")
    except OSError:
        return []
    return [event for line in lines if (event := _parse(line)) is not None]


def follow(
    run: Path,
    *,
    ended: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
    poll_s: float = POLL_S,
) -> Iterator[Event]:
    """Return events as they are written, from the first, until ``ended()`` and no more are there."""
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


def _parse(line: str | bytes) -> Event | None:
    try:
        event = msgspec.json.decode(line, type=Event)
    except msgspec.MsgspecError:
        return None
    return event if 0 <= event.at < END_OF_TIME else None
