"""The text of a compose file -> plain dicts, lists and scalars.

Scalars are resolved as Docker Compose's YAML library does (go-yaml: YAML 1.2 with octals of 1.1), so
``on`` and ``22:22`` are texts. Duplicate keys are refused. ``!reset`` and ``!override`` become markers.
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
except ImportError:  # a PyYAML built without libyaml: slower, the same answers
    from yaml import SafeLoader as BaseLoader  # type: ignore[assignment]


_PREFIX: Final = "tag:yaml.org,2002:"
_DEEPEST: Final = 100


@dataclass(frozen=True)
class Reset:
    """``!reset``: what earlier files said under this key is taken away."""


@dataclass(frozen=True)
class Override:
    """``!override``: what earlier files said under this key is replaced, not merged."""

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
    """As go-yaml: an integer of 64 bits, else a float, else a text."""
    try:
        integer = _integer(node.value)
        if -(2**63) <= integer < 2**64:
            return integer
    except ValueError:
        pass
    real = float(node.value.replace("_", ""))
    return node.value if math.isinf(real) else real


def _refused(loader: Any, node: yaml.ScalarNode) -> None:
    # Compose takes 2024-01-01 for a point in time and prints it as Go does; .inf it cannot print.
    raise ConstructorError(None, None, f"{node.value} must be quoted to be a text", node.start_mark)


def _overridden(loader: Any, node: yaml.Node) -> Override:
    if isinstance(node, yaml.MappingNode):
        return Override(loader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return Override(loader.construct_sequence(node, deep=True))
    tag = loader.resolve(yaml.ScalarNode, node.value, (True, False))
    return Override(loader.construct_object(yaml.ScalarNode(tag, node.value, node.start_mark, node.end_mark)))


def _teach(loader: type[Any]) -> None:
    number = r"[-+]?(0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?"
    number += r"|\.[0-9][0-9_]*([eE][-+]?[0-9]+)?)"
    refused = r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    refused += r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.]+([Zz]|[-+][0-9:]+)?)?"
    rules = {
        "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
        "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        "timestamp": (refused, "-+0123456789."),
        "float": (number, "-+0123456789."),
        "merge": (r"<<", "<"),
    }
    for tag, (pattern, first) in rules.items():
        loader.add_implicit_resolver(_PREFIX + tag, re.compile(f"^(?:{pattern})$"), list(first))
    loader.add_constructor(_PREFIX + "float", _number)
    loader.add_constructor(_PREFIX + "timestamp", _refused)
    loader.add_constructor("!reset", lambda _loader, _node: Reset())
    loader.add_constructor("!override", _overridden)


_teach(_Loader)


def documents(file: Path) -> list[Any]:
    """Every YAML document of a file, as data; empty ones left out.

    Raises:
        ComposeError: no such file, not UTF-8, not YAML, a key twice or a key that is no text; with
            file, line and column.
    """
    return [document for document in _parsed(_text(file), file) if document is not None]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ComposeError(f"{file}: no such file.") from None
    except UnicodeDecodeError as error:
        raise ComposeError(f"{file}: not UTF-8 at byte {error.start}.") from None
    except OSError as error:
        raise ComposeError(f"{file}: cannot be read: {error.strerror}.") from None


def _parsed(text: str, file: Path) -> Iterator[Any]:
    try:
        loader = _Loader(text)
        while loader.check_node() and (node := loader.get_node()):
            _inspect(node, file, set(), ())
            yield loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.problem, error.context) if part)
        raise ComposeError(f"{_at(file, mark)}: not valid YAML: {reason}.") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        raise ComposeError(f"{file}, line {line}, column {column}: not valid YAML: {error.reason}.") from None
    except RecursionError:
        raise ComposeError(f"{file}: nested too deeply.") from None


def _at(file: Path, mark: Any) -> str:
    return f"{file}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(file)


def _inspect(node: yaml.Node, file: Path, done: set[int], above: tuple[int, ...]) -> None:
    if id(node) in above:
        raise ComposeError(f"{_at(file, node.start_mark)}: an alias in it refers to itself.")
    if len(above) > _DEEPEST:
        raise ComposeError(f"{_at(file, node.start_mark)}: nested deeper than {_DEEPEST} levels.")
    if id(node) in done:
        return
    if isinstance(node, yaml.MappingNode):
        _inspect_keys(node, file)
    for value in _below(node):
        _inspect(value, file, done, (*above, id(node)))
    done.add(id(node))


def _below(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _key, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _inspect_keys(node: yaml.MappingNode, file: Path) -> None:
    lines: dict[str, int] = {}
    for key, _value in node.value:
        if key.tag not in (_PREFIX + "str", _PREFIX + "merge"):
            raise ComposeError(f"{_at(file, key.start_mark)}: a key must be a text: quote {_shown(key)}.")
        if key.value in lines:
            first = lines[key.value]
            raise ComposeError(
                f"{_at(file, key.start_mark)}: the key {key.value} was given on line {first} already."
            )
        lines[key.value] = key.start_mark.line + 1


def _shown(key: yaml.Node) -> str:
    return str(key.value) if isinstance(key, yaml.ScalarNode) else "it"
