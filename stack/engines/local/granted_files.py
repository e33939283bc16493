"""Secrets and configs as files: where they lie on this machine, and what is in them."""

from __future__ import annotations

import shutil
from pathlib import Path

from stack.errors import ComposeError
from stack.model import FileGrant, Service


def path_of(grant: FileGrant, folder: Path) -> Path:
    """Return where a service's secret or config lies; ``folder`` is the service's own."""
    return folder / f"{grant.kind}s" / grant.name


def write_files(service: Service, folder: Path) -> None:
    """Provide the secrets and configs of a service.

    Raises:
        ComposeError: one is external, or its file is missing.
    """
    for grant in service.files:
        path = path_of(grant, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            _write(grant, path, service)
        except OSError as error:
            raise ComposeError(
                f"services.{service.name}.{grant.kind}s: {grant.name} cannot be read ({error.strerror})."
            ) from error
        path.chmod(grant.mode)


def _write(grant: FileGrant, path: Path, service: Service) -> None:
    if grant.file is not None:
        shutil.copyfile(grant.file, path)
    elif grant.content is not None:
        path.touch(mode=0o600)
        path.write_text(grant.content, encoding="utf-8")
    else:
        raise ComposeError(
            f"services.{service.name}.{grant.kind}s: {grant.name} is external; only Swarm has it.",
            hint="Give it a `file:`, or an `environment:` variable.",
        )
