"""What a message tells a person to type carries the options that the person gave."""

from __future__ import annotations

import pytest
from invoke.exceptions import Exit

import tasks
from stack.commands import prune
from stack.commands.menu import task
from stack.display import messages, typed_commands
from stack.errors import NotUp

OPTIONS = {
    name: {argument.name for argument in tasks.namespace[name].get_arguments()}
    for name in tasks.namespace.task_names
}


@pytest.mark.parametrize(
    ("options", "text", "completed"),
    [
        ({}, "`inv up`", "`inv up`"),
        ({"stack": "local", "engine": "auto", "compose": ""}, "`inv up`", "`inv up`"),
        ({"stack": "ci"}, "`inv start web`", "`inv start web --stack ci`"),
        ({"compose": "my shop.yml"}, "Type `inv logs`.", "Type `inv logs --compose 'my shop.yml'`."),
        ({"compose": "c.yml"}, "`inv down --stack other`", "`inv down --stack other`"),
        ({"compose": "c.yml"}, "`inv prune`, `inv doctor`", "`inv prune`, `inv doctor`"),
        ({"compose": "c.yml", "engine": "local"}, "`inv up`", "`inv up --compose c.yml --engine local`"),
        ({"engine": "local"}, "`inv down`", "`inv down`"),
        ({"engine": "docker"}, "`inv up --engine local`", "`inv up --engine local`"),
        ({"file": ["a", "b"], "profile": ["x"]}, "`inv up`", "`inv up --file a --file b --profile x`"),
        ({"profile": []}, "`inv up`", "`inv up`"),
        ({"stack": "ci"}, "no command: inv up", "no command: inv up"),
    ],
)
def test_a_command_carries_the_options_that_it_takes(
    options: dict[str, object], text: str, completed: str
) -> None:
    with typed_commands.repeating(options):
        assert typed_commands.complete(text) == completed
    assert typed_commands.complete(text) == text


def test_which_options_a_command_takes_is_what_the_menu_says() -> None:
    assert {name for name, options in OPTIONS.items() if "stack" not in options} == typed_commands.NO_STACK
    assert {name for name, options in OPTIONS.items() if "compose" not in options} == typed_commands.NO_FILE
    starting = {name: options & {"engine", "file", "profile"} for name, options in OPTIONS.items()}
    assert {name: options for name, options in starting.items() if options} == typed_commands.STARTING


def test_advice_and_hints_are_completed_but_not_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    with typed_commands.repeating({"compose": "c.yml"}):
        messages.advise("Start it with `inv up`.")
        messages.print_error(NotUp("c was ended by `inv down`.", hint="Start it with `inv up`."))
    output = capsys.readouterr()
    assert output.out == "Start it with `inv up --compose c.yml`.\n"
    assert "error: c was ended by `inv down`.\n" in output.err
    assert "Start it with `inv up --compose c.yml`." in output.err


def test_a_task_repeats_its_own_options(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "clean_up_killed_stacks", lambda: None)

    @task.command
    def fail(*, compose: str) -> None:
        raise NotUp("c is not up.", hint="Start it with `inv up`.")

    with pytest.raises(Exit):
        fail(compose="c.yml")
    assert "Start it with `inv up --compose c.yml`." in capsys.readouterr().err
