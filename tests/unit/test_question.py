"""The question before a deletion: asked of a person, never of a script."""

from __future__ import annotations

import io

import pytest

from stack.display.question import require_consent
from stack.errors import NotConfirmed
from unprotected.protection import Cut, protected_by

WHAT = "Delete the data of shop?"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def sit_down(monkeypatch: pytest.MonkeyPatch, answer: str) -> Screen:
    """Put a person who types ``answer`` before the terminal, and return what is shown."""
    shown = Screen()
    monkeypatch.setattr("sys.stdin", Screen(answer))
    monkeypatch.setattr("sys.stdout", shown)
    return shown


@pytest.mark.parametrize("answer", ["y\n", "yes\n", " Y \n"])
def test_a_person_who_says_yes_is_believed(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    screen = sit_down(monkeypatch, answer)
    require_consent(WHAT, yes=False)
    assert screen.getvalue() == f"{WHAT} [y/N] "


@protected_by(
    "a person who does not say yes keeps the data",
    Cut("stack/display/question.py", "if answer.strip().lower() not in CONSENT:", "if False:"),
)
@pytest.mark.parametrize("answer", ["n\n", "\n", "yess\n", ""])
def test_every_other_answer_and_none_deletes_nothing(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    sit_down(monkeypatch, answer)
    with pytest.raises(NotConfirmed, match="Nothing was deleted"):
        require_consent(WHAT, yes=False)


def test_with_yes_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = sit_down(monkeypatch, "n\n")
    require_consent(WHAT, yes=True)
    assert screen.getvalue() == ""


@pytest.mark.parametrize("stream", ["sys.stdin", "sys.stdout"])
def test_where_nobody_watches_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    screen = sit_down(monkeypatch, "n\n")
    monkeypatch.setattr(stream, io.StringIO("n\n"))
    require_consent(WHAT, yes=False)
    assert screen.getvalue() == ""


def test_a_job_of_a_ci_service_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    screen = sit_down(monkeypatch, "n\n")
    require_consent(WHAT, yes=False)
    assert screen.getvalue() == ""
