"""Whether a document follows the compose specification: unknown keys and wrong types, named by key.

The rules are the specification's own JSON schema (``spec/``), read by the few keywords of JSON Schema
that it uses: a validator of the whole language takes longer to import than a stack takes to load.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from stack.compose.source import Override, Reset
from stack.compose.values import boolean
from stack.errors import ComposeError
from stack.model import seconds

Schema = dict[str, Any]
VALUE_SHOWN: Final = 60
"""How many characters of a wrong value are shown; of a longer one none, for it may be anything."""
_DURATIONS: Final = ("interval", "timeout", "start_period", "start_interval")

_KINDS: Final = {
    "string": "a string",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}

_X_LOCAL: Final[Schema] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "command": {"$ref": "#/$defs/command"},
        "python": {"type": "string"},
        "working_dir": {"type": "string"},
        "environment": {"$ref": "#/$defs/list_or_dict"},
    },
}

_FORMATS: Final[dict[str, Callable[[Any], object]]] = {"duration": seconds, "boolean": boolean}


@cache
def specification() -> Schema:
    """Return the specification's JSON schema, with the keys of this project's own."""
    path = Path(__file__).with_name("spec") / "compose-spec.json"
    schema: Schema = json.loads(path.read_text(encoding="utf-8"))
    service = schema["$defs"]["service"]["properties"]
    service["x-local"] = _X_LOCAL
    service["x-optional"] = {"type": "boolean"}
    schema["properties"]["x-endpoints"] = {"type": "object", "additionalProperties": {"type": "string"}}
    service["stop_grace_period"]["format"] = "duration"
    for key in _DURATIONS:
        schema["$defs"]["healthcheck"]["properties"][key]["format"] = "duration"
    # Interpolation leaves a string here; compose makes a boolean of it before it checks the schema.
    schema_of_entry = service["depends_on"]["oneOf"][1]["patternProperties"]["^[a-zA-Z0-9._-]+$"]
    schema_of_entry["properties"]["required"]["type"] = ["boolean", "string"]
    return schema


def check(document: dict[str, Any], file: str, *, complete: bool) -> None:
    """Refuse what the specification does not allow; ``complete`` also checks that required keys are
    there and that lists have no duplicates, which merging removes in some of them.

    Raises:
        ComposeError: names the file and the dotted key.
    """
    _Check(file=file, complete=complete).value(document, specification(), "")


@dataclass(frozen=True, kw_only=True)
class _Check:
    file: str
    complete: bool

    def value(self, value: Any, schema: Schema, key: str) -> None:
        # An empty value in a later file does not change the earlier ones.
        if isinstance(value, Reset) or (value is None and not self.complete):
            return
        if isinstance(value, Override):
            value = value.value
        schema = self._matching_branch(value, _resolved(schema), key)
        if "type" in schema and not _is_any(value, _types(schema)):
            raise self._wrong_type(value, _types(schema), key)
        self._scalar(value, schema, key)
        if isinstance(value, dict):
            self._mapping(value, schema, key)
        elif isinstance(value, list):
            self._list(value, schema, key)

    def _matching_branch(self, value: Any, schema: Schema, key: str) -> Schema:
        """The branch of a ``oneOf`` that fits the value's type; the specification needs no more than that."""
        if "oneOf" not in schema:
            return schema
        branches = [_resolved(branch) for branch in schema["oneOf"]]
        for branch in branches:
            if "oneOf" in branch or _is_any(value, _types(branch)):
                return self._matching_branch(value, branch, key)
        raise self._wrong_type(value, [name for branch in branches for name in _types(branch)], key)

    def _scalar(self, value: Any, schema: Schema, key: str) -> None:
        if "enum" in schema and value not in schema["enum"]:
            raise self._error(key, f"must be one of {', '.join(schema['enum'])}, not {value!r}")
        if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
            raise self._error(key, f"{value!r} does not match the pattern {schema['pattern']}")
        if (
            not schema.get("minimum", value) <= value <= schema.get("maximum", value)
            if _is_int(value)
            else False
        ):
            raise self._error(key, f"{value} is out of range")
        checked = schema.get("format") or ("boolean" if schema.get("type") == ["boolean", "string"] else "")
        if checked in _FORMATS and isinstance(value, str | bool):
            try:
                _FORMATS[checked](value)
            except ValueError as error:
                raise self._error(key, str(error)) from None

    def _mapping(self, value: dict[str, Any], schema: Schema, key: str) -> None:
        known = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        for name, item in value.items():
            below = f"{key}.{name}" if key else name
            matching = next((each for pattern, each in patterns.items() if re.search(pattern, name)), None)
            if name in known:
                self.value(item, known[name], below)
            elif matching is not None:
                self.value(item, matching, below)
            elif schema.get("additionalProperties", True) is False:
                raise self._unknown(name, known, below)
        absent = [name for name in schema.get("required", ()) if self.complete and name not in value]
        if absent:
            raise self._error(key, f"the key {absent[0]} is missing")

    def _list(self, value: list[Any], schema: Schema, key: str) -> None:
        for index, item in enumerate(value):
            self.value(item, schema.get("items", {}), f"{key}[{index}]")
            if self.complete and schema.get("uniqueItems") and item in value[:index]:
                raise self._error(f"{key}[{index}]", f"{item!r} is in the list twice")

    def _unknown(self, name: str, known: Iterable[str], key: str) -> ComposeError:
        from difflib import get_close_matches  # only a mistake needs it

        if not known:
            return self._error(key, "invalid name: use letters, digits, '.', '_' and '-'")
        near = get_close_matches(name, known, n=1)
        return self._error(key, "unknown key" + (f"; did you mean {near[0]}?" if near else ""))

    def _wrong_type(self, value: Any, types: Iterable[str], key: str) -> ComposeError:
        wanted = " or ".join(dict.fromkeys(_KINDS[name] for name in types))
        return self._error(key, f"must be {wanted}, not {describe(value)}")

    def _error(self, key: str, text: str) -> ComposeError:
        return ComposeError(f"{self.file}: {key or 'the document'}: {text}")


def describe(value: Any) -> str:
    """Return the type of a value as people call it, with the value where it is short."""
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    kind = "the string" if isinstance(value, str) else "the number"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return f"{kind} {text}" if len(text) <= VALUE_SHOWN else "a long string"


def _resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = specification()["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", list(_KINDS))
    return [types] if isinstance(types, str) else types


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_any(value: Any, types: Iterable[str]) -> bool:
    return any(_IS[name](value) for name in types)


_IS: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "integer": lambda value: _is_int(value) or (isinstance(value, float) and value.is_integer()),
    "number": lambda value: _is_int(value) or isinstance(value, float),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
