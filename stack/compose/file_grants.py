"""The secrets and configs of a service.

Source of the rules: https://github.com/compose-spec/compose-spec/blob/main/05-services.md#secrets,
08-configs.md and 09-secrets.md beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from stack.errors import ComposeError
from stack.model import FileGrant

_SECRETS = "/run/secrets/"


def file_grants(
    raw: Mapping[str, Any], document: Mapping[str, Any], variables: Mapping[str, str], where: str
) -> Iterator[FileGrant]:
    """Yield the files of a service in long form; ``document`` defines the secrets and configs.

    Raises:
        ComposeError: a file mode cannot be read.
    """
    for entry in raw.get("secrets") or ():
        yield _grant("secret", entry, document.get("secrets") or {}, variables, f"{where}.secrets")
    for entry in raw.get("configs") or ():
        yield _grant("config", entry, document.get("configs") or {}, variables, f"{where}.configs")


def _grant(
    kind: Literal["secret", "config"],
    entry: Any,
    definitions: Mapping[str, Any],
    variables: Mapping[str, str],
    where: str,
) -> FileGrant:
    long = {"source": entry} if isinstance(entry, str) else entry
    name = str(long.get("source"))
    definition = definitions.get(name) or {}
    variable = definition.get("environment")
    return FileGrant(
        kind=kind,
        name=name,
        target=_target(kind, str(long.get("target") or name)),
        file=Path(definition["file"]) if definition.get("file") else None,
        content=variables.get(variable, "") if variable else definition.get("content"),
        mode=_mode(long.get("mode"), where),
    )


def _target(kind: str, target: str) -> str:
    if target.startswith("/"):
        return target
    return f"{_SECRETS}{target}" if kind == "secret" else f"/{target}"


def _mode(value: Any, where: str) -> int:
    try:
        return 0o444 if value is None else int(value, 8) if isinstance(value, str) else int(value)
    except ValueError:
        raise ComposeError(f"{where}: {value!r} is not a file mode such as 0440") from None
