"""What the image of a Dockerfile would run."""

from __future__ import annotations

from stack.plan import dockerfile, image_config
from stack.plan.image_config import ImageConfig


def config(text: str) -> ImageConfig:
    return image_config.of_dockerfile(dockerfile.parse(text, {}))


def test_only_the_last_stage_counts() -> None:
    image = config('FROM a AS build\nCMD ["make"]\nENV A=1\nFROM b\nENV B=2\nCMD ["run", "it"]\n')
    assert image.command == ("run", "it")
    assert image.environment == {"B": "2"}


def test_an_entrypoint_resets_the_command_before_it() -> None:
    image = config('FROM a\nCMD ["old"]\nENTRYPOINT ["start"]\n')
    assert (image.entrypoint, image.command) == (("start",), ())


def test_the_shell_form_is_run_by_a_shell() -> None:
    assert config("FROM a\nCMD run $PORT\n").command == ("/bin/sh", "-c", "run $PORT")


def test_a_value_may_have_quotes_and_go_on_in_the_next_line() -> None:
    image = config("FROM a\nENV A=1 \\\n# why\n    B='two words'\n")
    assert image.environment == {"A": "1", "B": "two words"}


def test_values_that_mean_something_only_inside_the_image_are_left_out() -> None:
    image = config("FROM a\nENV PATH=/venv/bin:$PATH KEEP=yes PYTHONDONTWRITEBYTECODE=1\nENV OLD form\n")
    assert image.environment == {"KEEP": "yes", "OLD": "form"}
