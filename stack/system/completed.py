"""What a program did: its exit code and output, or the error that says why there is none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import IO

from stack.errors import CommandFailed


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A program that has ended; the streams are text, undecodable bytes replaced."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


class Streams:
    """The files that take a program's output: unlike a pipe, no process that outlives it holds us."""

    def __enter__(self) -> Streams:
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        return self

    def __exit__(self, *error: object) -> None:
        self.out.close()
        self.err.close()

    def texts(self) -> tuple[str, str]:
        """Return what was written so far to standard output and to standard error."""
        return _text(self.out), _text(self.err)


def completed(words: tuple[str, ...], code: int, streams: Streams, *, check: bool) -> Completed:
    """Return what a program did that has ended.

    Raises:
        CommandFailed: it ended with an error, and ``check`` is true.
    """
    stdout, stderr = streams.texts()
    if check and code:
        raise CommandFailed(words, f"ended with {code}", returncode=code, stdout=stdout, stderr=stderr)
    return Completed(argv=words, returncode=code, stdout=stdout, stderr=stderr)


def timed_out(words: tuple[str, ...], timeout_s: float, streams: Streams) -> CommandFailed:
    """Return the error of a program that was killed at its deadline, with its output so far."""
    problem = f"did not end within {timeout_s:g} s and was killed"
    stdout, stderr = streams.texts()
    return CommandFailed(words, problem, timed_out=True, stdout=stdout, stderr=stderr)


def cannot_be_run(words: tuple[str, ...], error: OSError) -> CommandFailed:
    """Return the error of a program that could not be started."""
    if isinstance(error, FileNotFoundError) and error.filename == words[0]:
        return CommandFailed(words, "was not found")
    return CommandFailed(words, "cannot be run", stderr=str(error))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
