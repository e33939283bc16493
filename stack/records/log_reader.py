"""Reading services' logs: forwards, from the end, or as they grow; merged by time.

A log is at most two files, the older one ``.log.1``. The lines of each are in the order of time, so a time is
found by bisection; nothing holds more than a block of a file, however large it is.
"""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stack.records.service_logs import log_file, logged_services

BLOCK_BYTES = 1 << 16

Line = tuple[str, str]
"""Time and text."""

Row = tuple[str, str, str]
"""Time, service and text."""

Admits = Callable[[str], bool]
"""Returns whether a line with this text is wanted."""

MayHave = Callable[[bytes], bool]
"""Returns whether one of the lines of a block may be wanted: most blocks need not be read line by line."""


def every_line(text: str) -> bool:
    """Admit a line, whatever its text is."""
    return True


def every_block(block: bytes) -> bool:
    """Read every block line by line."""
    return True


class LogReader:
    """The log of one service: the complete lines that it has when it is opened, then those that it gets."""

    def __init__(self, run: Path, service: str, *, all_new: bool = False) -> None:
        """With ``all_new`` every line counts as one that it gets later."""
        self._path = log_file(run, service)
        self._parts = [] if all_new else _open_parts(self._path)
        self._ends = [_end_of_lines(part) for part in self._parts]

    def close(self) -> None:
        for part in self._parts:
            part.close()

    def lines(self, *, since: str = "", until: str = "", may_have: MayHave = every_block) -> Iterator[Line]:
        """Yield the lines from the time ``since`` up to ``until``, both included, the oldest first."""
        for part, end in zip(self._parts, self._ends, strict=True):
            stop = _find(part, end, until, after=True) if until else end
            for line in _lines(part, _find(part, end, since) if since else 0, stop, may_have):
                stamp, _, text = line.partition(" ")
                yield stamp, text

    def lines_backwards(self, *, since: str = "", until: str = "") -> Iterator[Line]:
        """Yield the same lines, the newest first."""
        for part, end in zip(reversed(self._parts), reversed(self._ends), strict=True):
            begin = _find(part, end, until, after=True) if until else end
            for line in _lines_backwards(part, begin):
                stamp, text = _split(line)
                if stamp < since:
                    return
                yield stamp, text

    def new_lines(self) -> Iterator[Line]:
        """Yield the lines that were written since it was opened or last asked, also after a rotation."""
        while True:
            if self._parts:
                part = self._parts[-1]
                if part.seek(0, os.SEEK_END) < self._ends[-1]:  # somebody emptied it
                    self._ends[-1] = 0
                part.seek(self._ends[-1])
                while (line := part.readline()).endswith(b"\n"):
                    self._ends[-1] += len(line)
                    yield _split(line)
            following = self._next_part()
            if following is None:
                return
            self.close()
            self._parts, self._ends = [following], [0]

    def _next_part(self) -> BinaryIO | None:
        """Return the file that follows the newest one read, None where there is none."""
        newest = os.fstat(self._parts[-1].fileno()) if self._parts else None
        parts = _open_parts(self._path)
        numbers = [os.fstat(part.fileno()).st_ino for part in parts]
        known = numbers.index(newest.st_ino) + 1 if newest is not None and newest.st_ino in numbers else 0
        for part in (*parts[:known], *parts[known + 1 :]):
            part.close()
        return parts[known] if known < len(parts) else None


@contextmanager
def opened(run: Path, services: Sequence[str] | None = None) -> Iterator[dict[str, LogReader]]:
    """Give the readers of some services' logs, of all where none is named. They are closed at the end."""
    logs: dict[str, LogReader] = {}
    try:
        for name in logged_services(run) if services is None else services:
            logs[name] = LogReader(run, name)
        yield logs
    finally:
        for log in logs.values():
            log.close()


def read(run: Path, service: str) -> Iterator[Line]:
    """Yield the lines of a log, the oldest first."""
    with opened(run, [service]) as logs:
        yield from logs[service].lines()


def merge(
    logs: Mapping[str, LogReader],
    *,
    since: str = "",
    until: str = "",
    admits: Admits = every_line,
    may_have: MayHave = every_block,
) -> Iterator[Row]:
    """Yield the wanted lines of several logs by time, the oldest first."""
    lines = {name: log.lines(since=since, until=until, may_have=may_have) for name, log in logs.items()}
    return heapq.merge(*(_rows(name, each, admits) for name, each in lines.items()), key=_stamp)


def merge_new(logs: Mapping[str, LogReader], *, admits: Admits = every_line) -> Iterator[Row]:
    """Yield the wanted lines that several logs got meanwhile, by time."""
    return heapq.merge(*(_rows(name, log.new_lines(), admits) for name, log in logs.items()), key=_stamp)


def last(
    logs: Mapping[str, LogReader],
    count: int,
    *,
    since: str = "",
    until: str = "",
    admits: Admits = every_line,
) -> list[Row]:
    """Return the last ``count`` wanted lines of several logs by time, read from the end."""
    rows = (
        _rows(name, log.lines_backwards(since=since, until=until), admits)
        for name, log in reversed(list(logs.items()))
    )
    newest = itertools.islice(heapq.merge(*rows, key=_stamp, reverse=True), count)
    return list(newest)[::-1]


def _rows(service: str, lines: Iterator[Line], admits: Admits) -> Iterator[Row]:
    return ((stamp, service, text) for stamp, text in lines if admits(text))


def _stamp(row: Row) -> str:
    return row[0]


def _split(line: bytes) -> Line:
    stamp, _, text = line.decode(errors="replace").rstrip("\n").partition(" ")
    return stamp, text


def _open_parts(path: Path) -> list[BinaryIO]:
    """Return the files of a log, the older one first, as they are between two rotations."""
    while True:
        newer, older = _open(path), _open(path.with_suffix(".log.1"))
        parts = [part for part in (older, newer) if part is not None]
        if len({os.fstat(part.fileno()).st_ino for part in parts}) == len(parts):
            return parts
        for part in parts:  # it was rotated between the two
            part.close()


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        return None


def _end_of_lines(part: BinaryIO) -> int:
    """Return where the last complete line of a file ends: the one after it is being written."""
    position = part.seek(0, os.SEEK_END)
    while position:
        begin = max(position - BLOCK_BYTES, 0)
        part.seek(begin)
        found = part.read(position - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        position = begin
    return 0


def _find(part: BinaryIO, end: int, stamp: str, *, after: bool = False) -> int:
    """Return where the first line begins whose time is not before ``stamp``, or with ``after`` after it."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        part.seek(max(middle - 1, 0))
        begin = part.tell() + (len(part.readline()) if middle else 0)
        line = part.readline() if begin < end else b""
        time_of_line = _split(line)[0]
        if not line or time_of_line > stamp or (time_of_line == stamp and not after):
            high = middle
        else:
            low = begin + len(line)
    return low


def _lines(part: BinaryIO, begin: int, end: int, may_have: MayHave) -> Iterator[str]:
    """Yield the lines between two places where lines begin, those of unwanted blocks left out."""
    part.seek(begin)
    rest = b""
    while begin < end:
        block = part.read(min(BLOCK_BYTES, end - begin))
        begin += len(block)
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if newline and may_have(whole):
            yield from whole.decode(errors="replace").split("\n")


def _lines_backwards(part: BinaryIO, end: int) -> Iterator[bytes]:
    rest, position = b"", end
    while position:
        begin = max(position - BLOCK_BYTES, 0)
        part.seek(begin)
        rest, *lines = (part.read(position - begin) + rest).split(b"\n")
        position = begin
        yield from (line for line in reversed(lines) if line)
    if rest:
        yield rest
