"""What the verbs refuse, and what they say when there is nothing to do."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from held import dead_pid, kept

from stack import verbs
from stack.errors import (
    NotDisposable,
    StackError,
)
from stack.stacks import Choice


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACK_NAME", "shop-test")


@pytest.fixture
def name() -> str:
    return f"shop-{secrets.token_hex(4)}"


def test_a_destructive_verb_refuses_what_is_not_a_living_stack_of_ours(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotDisposable, match=name):
        verbs._must_be_ours(kept(name, tmp_path, pid=dead_pid()))


def test_down_of_what_is_not_up_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    verbs.down(Choice(), volumes=False)
    assert capsys.readouterr().out == "shop-test is not up; nothing to end\n"


@pytest.mark.parametrize("text", ["10", "m", "-3m", "1w", "ten m"])
def test_a_duration_that_is_none_is_a_sentence(text: str) -> None:
    with pytest.raises(StackError, match="is not a duration") as caught:
        verbs._since(text)
    assert "10m" in caught.value.hint
