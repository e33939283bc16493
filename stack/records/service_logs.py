"""A service's log: every line with its time, bounded in size.

One line a record: ``2026-01-31T12:00:00.123Z text``. Bytes that are not UTF-8 are replaced by readers;
control codes stay in the file and are removed where it is displayed.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

LIMIT_BYTES = 32 << 20
LINE_BYTES = 16 << 10


def stamp_of(seconds: float) -> str:
    """Return the time of a line, from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def log_file(run: Path, service: str) -> Path:
    """Return the path of a service's log in a run's folder."""
    return run / "logs" / f"{service}.log"


class Log:
    """Writes a service's output. At the limit the older half is dropped, so that a flood fills no disk.

    ``redact`` masks secrets; it gets whole lines.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        limit_bytes: int = LIMIT_BYTES,
        redact: Callable[[bytes], bytes] = bytes,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path, self._clock, self._limit, self._redact = path, clock, limit_bytes, redact
        self._file = path.open("ab")
        self._size = self._file.tell()
        self._rest = b""
        self._tail: deque[str] = deque(maxlen=20)

    def feed(self, data: bytes) -> None:
        """Write output as it comes; a line is written when it is complete."""
        *lines, rest = (self._rest + data).split(b"\n")
        if len(rest) > LINE_BYTES:
            lines, rest = [*lines, rest], b""
        self._rest = rest
        lines = self._redact(b"\n".join(lines)).split(b"\n") if lines else []
        stamp = f"{stamp_of(self._clock())} ".encode()
        with contextlib.suppress(OSError):  # a full disk costs lines of the log, never the service
            self._write(b"".join(stamp + line.rstrip(b"\r") + b"\n" for line in lines))
        self._tail.extend(line.decode(errors="replace").rstrip("\r") for line in lines[-20:])

    def tail(self) -> tuple[str, ...]:
        """Return the last 20 lines."""
        rest = (self._rest.decode(errors="replace"),) if self._rest else ()
        return (*self._tail, *rest)[-20:]

    def end_line(self) -> None:
        """Write a last line that has no end: nothing follows it any more."""
        if self._rest:
            self.feed(b"\n")

    def close(self) -> None:
        self.end_line()
        with contextlib.suppress(OSError):
            self._file.close()

    def _write(self, data: bytes) -> None:
        if self._size + len(data) > self._limit // 2:
            self._file.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._file = self._path.open("ab")
            self._size = 0
        self._file.write(data)
        self._file.flush()
        self._size += len(data)


def logged_services(run: Path) -> list[str]:
    """Return the services that have a log in this run."""
    return sorted(path.stem for path in (run / "logs").glob("*.log"))
