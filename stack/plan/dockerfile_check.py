"""The health check of a Dockerfile.

Source of the rules: https://docs.docker.com/reference/dockerfile/#healthcheck
"""

from __future__ import annotations

from collections.abc import Callable

from stack.model import Healthcheck, seconds
from stack.plan.dockerfile import Instruction
from stack.plan.dockerfile_words import exec_form

RETRIES = 3
"""How often in a row a check may fail unless it says another number."""


def read(instruction: Instruction, expand: Callable[[str], str]) -> Healthcheck | None:
    """Return the check of a ``HEALTHCHECK``, None where it is ``NONE``; ``expand`` replaces variables.

    Raises:
        ValueError: one of its durations cannot be read.
    """
    keyword, _, text = instruction.text.partition(" ")
    if keyword.upper() == "NONE":
        return None
    options = instruction.options
    durations = {
        f"{name.replace('-', '_')}_s": seconds(expand(options[name]))
        for name in ("interval", "timeout", "start-period")
        if name in options
    }
    retries = int(options["retries"]) if options.get("retries", "").isdigit() else 0
    argv = exec_form(text.strip())
    test = ("CMD-SHELL", text.strip()) if argv is None else ("CMD", *argv)
    return Healthcheck(test=test, retries=retries or RETRIES, **durations)
