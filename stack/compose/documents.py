"""Several files -> one document: interpolated, included, extended, merged, checked, in long form.

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
from stack.compose.extends import extended
from stack.compose.interpolation import Interpolation
from stack.compose.paths import absolute_paths
from stack.compose.shorthand import canonical
from stack.compose.source import documents
from stack.errors import ComposeError

_RESOURCES = ("services", "volumes", "networks", "secrets", "configs", "models")


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """Reads files whose relative paths start at ``directory``; ``above`` are the files that included them."""

    directory: Path
    interpolation: Interpolation
    above: tuple[Path, ...] = ()
    texts: dict[Path, list[Any]] = field(default_factory=dict)

    def document(self, files: Iterable[Path]) -> dict[str, Any]:
        """What the files say together, with absolute paths.

        Raises:
            ComposeError: any of them says what compose would not take.
            VariableMissing: a ``${VAR:?}`` has no value.
        """
        model: dict[str, Any] = {}
        for file in files:
            for document in self.parsed(file):
                model = self._laid_over(model, document, file)
        return absolute_paths(model, self.directory)

    def parsed(self, file: Path) -> list[Any]:
        """The documents of a file, read once."""
        if file not in self.texts:
            self.texts[file] = documents(file)
        return self.texts[file]

    def _laid_over(self, model: dict[str, Any], document: Any, file: Path) -> dict[str, Any]:
        part = self.interpolation.document(document, str(file))
        schema.check(part, str(file), complete=False)
        part = self._with_included(part, file)
        part = extended(part, file, self.directory, self._raw)
        try:
            model = merge.unique(merge.merged(model, part))
        except ComposeError as error:
            raise ComposeError(f"{file}: {error.message}") from None
        schema.check(model, str(file), complete=True)
        return merge.unique(canonical(model, str(file)))

    def _raw(self, file: Path) -> dict[str, Any]:
        """A file that is extended: interpolated and merged with itself only."""
        parts = [self.interpolation.document(document, str(file)) for document in self.parsed(file)]
        model: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, dict):
                schema.check(part, str(file), complete=False)
            model = merge.merged(model, part)
        return model

    def _with_included(self, part: dict[str, Any], file: Path) -> dict[str, Any]:
        part = dict(part)
        for entry in part.pop("include", None) or ():
            included = self._included({"path": entry} if isinstance(entry, str) else entry, file)
            for kind in _RESOURCES:
                if kind in included:
                    part[kind] = merge.merged(included[kind], part.get(kind), (kind,))
        return part

    def _included(self, entry: Mapping[str, Any], file: Path) -> dict[str, Any]:
        given = entry.get("path") or ()
        paths = [self._path(path) for path in ([given] if isinstance(given, str) else given)]
        if not paths:
            raise ComposeError(f"{file}: include: the key path is missing")
        chain = (*self.above, file.absolute())
        if paths[0] in chain:
            circle = " -> ".join(str(each) for each in (*chain, paths[0]))
            raise ComposeError(f"{file}: include goes in a circle: {circle}")
        own = entry.get("project_directory")
        directory = self._path(own) if own else paths[0].parent
        interpolation = self._inside(entry, directory)
        return replace(self, directory=directory, interpolation=interpolation, above=chain).document(paths)

    def _inside(self, entry: Mapping[str, Any], directory: Path) -> Interpolation:
        given = entry.get("env_file")
        names = [given] if isinstance(given, str) else given
        files = [self._path(name) for name in names or () if name != "/dev/null"]
        if not names and (directory / ".env").is_file():
            files = [directory / ".env"]
        found: dict[str, str] = {}
        for file in files:
            found |= dotenv.read(file, ChainMap(dict(self.interpolation.variables), found))
        return replace(self.interpolation, variables=ChainMap(dict(self.interpolation.variables), found))

    def _path(self, text: str) -> Path:
        return Path(os.path.normpath(self.directory / text))
