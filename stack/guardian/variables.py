"""Variables that compose files get besides the user's own: secrets, its name, those of active profiles.

``x-profile-variables`` maps a profile to variables that are set while it is active. A variable that the user
has set, in the environment or in ``.env.local``, is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from stack.compose import dotenv
from stack.compose.source import documents
from stack.records import generated_secrets
from stack.records.request import Request

OWN_NAME = "STACK_OWN_NAME"
"""The variable with the name of the stack, which need not be that of its file."""


def of_stack(request: Request) -> dict[str, str]:
    """Return the variables that the stack of ``request`` gets.

    Raises:
        ComposeError: a file cannot be read.
    """
    files = [Path(file) for file in request.files]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    names = generated_secrets.requested(texts)
    values = generated_secrets.read_or_create(request.name, names) if names else {}
    values |= {OWN_NAME: request.name} if any(OWN_NAME in text for text in texts) else {}
    values |= {name: value for file in files for name, value in _of_profiles(file, request.profiles)}
    return {name: value for name, value in values.items() if name not in _user_variables(request)}


def _of_profiles(file: Path, active: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for document in documents(file):
        table = document.get("x-profile-variables") if isinstance(document, dict) else None
        for profile, variables in (table or {}).items():
            if profile in active:
                yield from ((name, str(value)) for name, value in variables.items())


def _user_variables(request: Request) -> set[str]:
    file = Path(request.env_file) if request.env_file else None
    own = dotenv.read(file, os.environ) if file is not None and file.is_file() else {}
    return {*os.environ, *own}
