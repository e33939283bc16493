"""Compose files, read as Docker Compose reads them, become a ``stack.model.Stack``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from stack.model import Stack


def load(
    *files: Path,
    environment: Mapping[str, str] | None = None,
    profiles: Collection[str] = (),
    env_file: Path | None = None,
    name: str | None = None,
) -> Stack:
    """What ``docker compose -f FILE -f FILE ...`` would run.

    The project directory is the folder of the first file. ``environment`` (default: this process's)
    is what interpolation sees; under it lie the values of ``env_file``, and under those the ones of
    ``.env`` in the project directory. Neither has to exist. ``profiles`` default to
    ``COMPOSE_PROFILES``, ``name`` to ``COMPOSE_PROJECT_NAME``, then the files' own ``name``, then
    the folder's.

    Raises:
        ComposeError: a file is missing, does not parse, or says what compose would not take.
        VariableMissing: a ``${VAR:?}`` has no value.
    """
    # Imported here, so that `import stack.compose` costs nothing where nothing is loaded.
    from stack.compose.loading import Request, load_stack

    return load_stack(
        Request(files=files, environment=environment, profiles=profiles, env_file=env_file, name=name)
    )


__all__ = ["load"]
