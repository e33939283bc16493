"""The text of a compose file -> plain dicts, lists and scalars.

Scalars are resolved as Docker Compose's YAML library does (go-yaml: YAML 1.2 with octals of 1.1), so
``on`` and ``22:22`` are strings. Duplicate keys are refused. ``!reset`` and ``!override`` become markers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.constructor import ConstructorError

from stack.errors import ComposeError

try:
    from yaml import CSafeLoader as BaseLoader
except ImportError:  # a PyYAML built without libyaml: slower, the same result
    from yaml import SafeLoader as BaseLoader  # type: ignore[assignment]


_PREFIX: Final = "tag:yaml.org,2002:"
_MAX_DEPTH: Final = 100


@dataclass(frozen=True)
class Reset:
    """``!reset``: the value that earlier files give to this key is removed."""


@dataclass(frozen=True)
class Override:
    """``!override``: the value that earlier files give to this key is replaced, not merged."""

    value: Any


class _Loader(BaseLoader):
    """SafeLoader with go-yaml's scalars and compose's two tags."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # PyYAML's own, per class


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    if re.fullmatch(r"[-+]?0[0-7]+", digits):
        return int(digits, 8)
    return int(digits, 0)


def _number(loader: Any, node: yaml.ScalarNode) -> int | float | str:
    """As go-yaml: an integer of 64 bits, else a float, else a string."""
    try:
        integer = _integer(node.value)
        if -(2**63) <= integer < 2**64:
            return integer
    except ValueError:
        pass
    real = float(node.value.replace("_", ""))
    return node.value if math.isinf(real) else real


def _reject_unquoted(loader: Any, node: yaml.ScalarNode) -> None:
    # Compose reads 2024-01-01 as a time and prints it as Go does; it cannot print .inf.
    raise ConstructorError(None, None, f"{node.value} must be quoted to be a string", node.start_mark)


def _override(loader: Any, node: yaml.Node) -> Override:
    if isinstance(node, yaml.MappingNode):
        return Override(loader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return Override(loader.construct_sequence(node, deep=True))
    tag = loader.resolve(yaml.ScalarNode, node.value, (True, False))
    return Override(loader.construct_object(yaml.ScalarNode(tag, node.value, node.start_mark, node.end_mark)))


def _configure(loader: type[Any]) -> None:
    number = r"[-+]?(0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?"
    number += r"|\.[0-9][0-9_]*([eE][-+]?[0-9]+)?)"
    rejected = r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    rejected += r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.]+([Zz]|[-+][0-9:]+)?)?"
    rules = {
        "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
        "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        "timestamp": (rejected, "-+0123456789."),
        "float": (number, "-+0123456789."),
        "merge": (r"<<", "<"),
    }
    for tag, (pattern, first) in rules.items():
        loader.add_implicit_resolver(_PREFIX + tag, re.compile(f"^(?:{pattern})$"), list(first))
    loader.add_constructor(_PREFIX + "float", _number)
    loader.add_constructor(_PREFIX + "timestamp", _reject_unquoted)
    loader.add_constructor("!reset", lambda _loader, _node: Reset())
    loader.add_constructor("!override", _override)


_configure(_Loader)


def documents(file: Path) -> list[Any]:
    """Return the YAML documents of a file as data, without the empty ones.

    Raises:
        ComposeError: no such file, not UTF-8, not YAML, a duplicate key or a key that is not a string;
            with file, line and column.
    """
    return [document for document in _parse(_read_text(file), file) if document is not None]


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ComposeError(f"{file}: no such file.") from None
    except UnicodeDecodeError as error:
        raise ComposeError(f"{file}: not UTF-8 at byte {error.start}.") from None
    except OSError as error:
        raise ComposeError(f"{file}: cannot be read: {error.strerror}.") from None


def _parse(text: str, file: Path) -> Iterator[Any]:
    try:
        loader = _Loader(text)
        while loader.check_node() and (node := loader.get_node()):
            _check_node(node, file, set(), ())
            yield loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.problem, error.context) if part)
        raise ComposeError(f"{_at(file, mark)}: not valid YAML: {_tab_in(text, mark) or reason}.") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        raise ComposeError(f"{file}, line {line}, column {column}: not valid YAML: {error.reason}.") from None
    except RecursionError:
        raise ComposeError(f"{file}: nested too deeply.") from None


def _tab_in(text: str, mark: Any) -> str:
    """What is wrong, where a tab indents the line of ``mark`` or stands at it; empty where none does."""
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    indentation = line[: len(line) - len(line.lstrip())]
    has_tab = "\t" in indentation or line[mark.column : mark.column + 1] == "\t" if mark else False
    return "a tab cannot indent a line; use spaces" if has_tab else ""


def _at(file: Path, mark: Any) -> str:
    return f"{file}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(file)


def _check_node(node: yaml.Node, file: Path, checked: set[int], parents: tuple[int, ...]) -> None:
    if id(node) in parents:
        raise ComposeError(f"{_at(file, node.start_mark)}: an alias refers to itself.")
    if len(parents) > _MAX_DEPTH:
        raise ComposeError(f"{_at(file, node.start_mark)}: nested deeper than {_MAX_DEPTH} levels.")
    if id(node) in checked:
        return
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, file)
    for value in _children(node):
        _check_node(value, file, checked, (*parents, id(node)))
    checked.add(id(node))


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _key, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _check_keys(node: yaml.MappingNode, file: Path) -> None:
    lines: dict[str, int] = {}
    for key, _value in node.value:
        if key.tag not in (_PREFIX + "str", _PREFIX + "merge"):
            raise ComposeError(
                f"{_at(file, key.start_mark)}: a key must be a string: quote {_key_text(key)}."
            )
        if key.value in lines:
            first = lines[key.value]
            raise ComposeError(
                f"{_at(file, key.start_mark)}: duplicate key {key.value}, first given on line {first}."
            )
        lines[key.value] = key.start_mark.line + 1


def _key_text(key: yaml.Node) -> str:
    return str(key.value) if isinstance(key, yaml.ScalarNode) else "this key"
