"""Several files -> one document: interpolated, includes and extends resolved, merged, checked, in long form.

The order of the steps is compose-go's (``loader.loadYamlFile``).
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stack.compose import dotenv, merge, schema
from stack.compose.extends import resolve_extends
from stack.compose.interpolation import Interpolation
from stack.compose.paths import absolute_paths
from stack.compose.shorthand import expand_short_forms
from stack.compose.source import documents
from stack.errors import ComposeError

_RESOURCES = ("services", "volumes", "networks", "secrets", "configs", "models")


@dataclass(frozen=True, kw_only=True)
class DocumentReader:
    """Reads files whose paths start at ``directory``; ``including`` are the files that include them."""

    directory: Path
    interpolation: Interpolation
    including: tuple[Path, ...] = ()
    cache: dict[Path, list[Any]] = field(default_factory=dict)

    def read(self, files: Iterable[Path]) -> dict[str, Any]:
        """Return the files merged into one document, with absolute paths.

        Raises:
            ComposeError: compose would refuse one of the files.
            VariableMissing: a ``${VAR:?}`` has no value.
        """
        model: dict[str, Any] = {}
        for file in files:
            for document in self.documents_of(file):
                model = self._merge_document(model, document, file)
        return absolute_paths(model, self.directory)

    def documents_of(self, file: Path) -> list[Any]:
        """Return the YAML documents of a file; each file is read once."""
        if file not in self.cache:
            self.cache[file] = documents(file)
        return self.cache[file]

    def _merge_document(self, model: dict[str, Any], document: Any, file: Path) -> dict[str, Any]:
        part = self.interpolation.document(document, str(file))
        schema.check(part, str(file), complete=False)
        part = self._merge_includes(part, file)
        part = resolve_extends(part, file, self.directory, self._read_base)
        try:
            model = merge.remove_duplicates(merge.merge(model, part))
        except ComposeError as error:
            raise ComposeError(f"{file}: {error.message}") from None
        schema.check(model, str(file), complete=True)
        return merge.remove_duplicates(expand_short_forms(model, str(file)))

    def _read_base(self, file: Path) -> dict[str, Any]:
        """Return a file that others extend: interpolated, its documents merged."""
        parts = [self.interpolation.document(document, str(file)) for document in self.documents_of(file)]
        model: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, dict):
                schema.check(part, str(file), complete=False)
            model = merge.merge(model, part)
        return model

    def _merge_includes(self, part: dict[str, Any], file: Path) -> dict[str, Any]:
        part = dict(part)
        for entry in part.pop("include", None) or ():
            included = self._read_included({"path": entry} if isinstance(entry, str) else entry, file)
            for kind in _RESOURCES:
                if kind in included:
                    part[kind] = _with_included(kind, part.get(kind), included[kind])
        return part

    def _read_included(self, entry: Mapping[str, Any], file: Path) -> dict[str, Any]:
        named = entry.get("path") or ()
        paths = [self._path(path) for path in ([named] if isinstance(named, str) else named)]
        if not paths:
            raise ComposeError(f"{file}: include: the key path is missing")
        chain = (*self.including, file.absolute())
        if paths[0] in chain:
            circle = " -> ".join(str(each) for each in (*chain, paths[0]))
            raise ComposeError(f"{file}: circular include: {circle}")
        project = entry.get("project_directory")
        directory = self._path(project) if project else paths[0].parent
        interpolation = self._interpolation_of(entry, directory)
        reader = replace(self, directory=directory, interpolation=interpolation, including=chain)
        return _with_values(reader.read(paths), interpolation.variables)

    def _interpolation_of(self, entry: Mapping[str, Any], directory: Path) -> Interpolation:
        named = entry.get("env_file")
        names = [named] if isinstance(named, str) else named
        files = [self._path(name) for name in names or () if name != "/dev/null"]
        if not names and (directory / ".env").is_file():
            files = [directory / ".env"]
        values: dict[str, str] = {}
        for file in files:
            values |= dotenv.read(file, ChainMap(dict(self.interpolation.variables), values))
        return replace(self.interpolation, variables=ChainMap(dict(self.interpolation.variables), values))

    def _path(self, text: str) -> Path:
        return Path(os.path.normpath(self.directory / text))


def _with_included(kind: str, own: Any, included: Any) -> Any:
    """Return both; what is in one of them alone keeps its ``!reset``, until its ``extends`` is resolved."""
    if not isinstance(own, dict) or not isinstance(included, dict):
        return merge.merge(included, own, (kind,))
    base, over = ({name: part[name] for name in included if name in own} for part in (included, own))
    return {**included, **own, **merge.merge(base, over, (kind,))}


def _with_values(document: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return an included document; a name without a value has that of its include's own ``env_file``."""
    services = document.get("services") or {}
    filled = {
        name: {**service, "environment": _filled(service["environment"], variables)}
        for name, service in services.items()
        if service.get("environment")
    }
    return {**document, "services": {**services, **filled}} if filled else document


def _filled(environment: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(environment, list):
        return [f"{each}={variables[each]}" if each in variables else each for each in environment]
    return {name: variables.get(name) if value is None else value for name, value in environment.items()}
