"""Compose files, read as Docker Compose reads them -> ``stack.model.Stack``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from stack.model import Stack


def load(
    *files: Path,
    environment: Mapping[str, str] | None = None,
    profiles: Collection[str] = (),
    targets: Collection[str] = (),
    env_file: Path | None = None,
    name: str | None = None,
) -> Stack:
    """Return the stack that ``docker compose -f FILE -f FILE ...`` would run.

    The project directory is the folder of the first file. Interpolation takes a variable from
    ``environment`` (default: this process's), else from ``env_file``, else from ``.env`` in the project
    directory. Neither file has to exist. ``targets`` are services that were named: their profiles are
    active, too. ``profiles`` default to ``COMPOSE_PROFILES``, ``name`` to ``COMPOSE_PROJECT_NAME``, then
    the files' own ``name``, then the folder's.

    Raises:
        ComposeError: a file is missing, does not parse, or compose would refuse it.
        VariableMissing: a ``${VAR:?}`` has no value.
    """
    # Imported here, so that `import stack.compose` is cheap where no file is loaded.
    from stack.compose.loading import Request, load_stack

    return load_stack(
        Request(
            files=files,
            environment=environment,
            profiles=profiles,
            targets=targets,
            env_file=env_file,
            name=name,
        )
    )


__all__ = ["load"]
