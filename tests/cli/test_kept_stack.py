"""The main job beside a stack that is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cli.conftest import ENGINE
from cli.terminal import Ended, module
from stack.errors import UpElsewhere
from unprotected.protection import Cut, protected_by


@protected_by(
    "a stack that is to be kept is not started beside one of its name",
    Cut("stack/commands/integration.py", "            _require_down(running)"),
)
def test_a_stack_that_is_up_is_not_started_anew(
    typed: Callable[[str], Ended], environment: Mapping[str, str]
) -> None:
    asked = f"--stack local --engine {ENGINE} --keep -k test_health"
    refused = module("stack.commands.integration", asked, environment)
    assert (refused.code, refused.out) == (UpElsewhere.code, "")
    assert f"inv test --stack {environment['STACK_NAME']}" in refused.err
    assert typed("test test_health").code == 0
