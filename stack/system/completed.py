"""What a program did: its exit code and output, or the error that says why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from stack.errors import CommandFailed


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A program that has ended; the streams are text, undecodable bytes replaced."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


def completed(words: tuple[str, ...], code: int, stdout: bytes, stderr: bytes, *, check: bool) -> Completed:
    """Return what a program did that has ended.

    Raises:
        CommandFailed: it ended with an error, and ``check`` is true.
    """
    done = Completed(argv=words, returncode=code, stdout=_text(stdout), stderr=_text(stderr))
    if check and code:
        problem = f"ended with {code}"
        raise CommandFailed(words, problem, returncode=code, stdout=done.stdout, stderr=done.stderr)
    return done


def timed_out(words: tuple[str, ...], timeout_s: float, stdout: bytes, stderr: bytes) -> CommandFailed:
    """Return the error of a program that was killed at its deadline, with its output so far."""
    problem = f"did not end within {timeout_s:g} s and was killed"
    return CommandFailed(words, problem, timed_out=True, stdout=_text(stdout), stderr=_text(stderr))


def cannot_be_run(words: tuple[str, ...], error: OSError) -> CommandFailed:
    """Return the error of a program that could not be started."""
    if isinstance(error, FileNotFoundError) and error.filename == words[0]:
        return CommandFailed(words, "was not found")
    return CommandFailed(words, "cannot be run", stderr=str(error))


def _text(stream: bytes) -> str:
    return stream.decode(errors="replace")
