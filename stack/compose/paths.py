"""Relative paths of a document in long form -> absolute ones."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

# A context that is not a folder: a URL, or git's own short form of one.
_REMOTE: Final = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/|docker-image:|target:|service:")


def absolute_paths(document: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Return the document with its paths made absolute, starting at ``directory``."""
    result = dict(document)
    if services := document.get("services"):
        result["services"] = {name: absolute_service(each, directory) for name, each in services.items()}
    for kind in ("secrets", "configs"):
        if definitions := document.get(kind):
            result[kind] = {name: _file(each, directory) for name, each in definitions.items()}
    return result


def absolute_service(service: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Return one service in long form with its paths made absolute."""
    result = dict(service)
    if isinstance(build := result.get("build"), dict) and isinstance(build.get("context"), str):
        result["build"] = {**build, "context": _context(build["context"], directory)}
    if isinstance(files := result.get("env_file"), list):
        result["env_file"] = [{**file, "path": absolute(file["path"], directory)} for file in files]
    if isinstance(mounts := result.get("volumes"), list):
        result["volumes"] = [_mount(mount, directory) for mount in mounts]
    local = result.get("x-local")
    if isinstance(local, dict) and isinstance(local.get("working_dir"), str):
        result["x-local"] = {**local, "working_dir": absolute(local["working_dir"], directory)}
    extends = result.get("extends")
    if isinstance(extends, dict) and isinstance(extends.get("file"), str):
        result["extends"] = {**extends, "file": absolute(extends["file"], directory)}
    return result


def absolute(path: str, directory: Path) -> str:
    """Return ``path`` from ``directory``; ``~`` is the home folder. Symbolic links are not resolved."""
    return os.path.normpath(directory / os.path.expanduser(path))  # noqa: PTH111  a missing user is no error


def _file(definition: Any, directory: Path) -> Any:
    """A secret or a config."""
    if isinstance(definition, dict) and isinstance(definition.get("file"), str):
        return {**definition, "file": absolute(definition["file"], directory)}
    return definition


def is_remote(context: str) -> bool:
    """Return whether a build context is a URL or a reference instead of a folder."""
    return _REMOTE.match(context) is not None


def _context(context: str, directory: Path) -> str:
    return context if is_remote(context) else absolute(context, directory)


def _mount(mount: dict[str, Any], directory: Path) -> dict[str, Any]:
    if mount.get("type") == "bind" and isinstance(mount.get("source"), str):
        return {**mount, "source": absolute(mount["source"], directory)}
    return mount
