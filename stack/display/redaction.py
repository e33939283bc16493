"""Mask secrets, by name and by value, in what is shown or written.

A value is secret when it comes from ``.env.local``, when a variable with the name of a secret has it (in the
``.env`` of another project, too), or when it is the password of a URL. It is masked wherever it appears:
argv, health checks, logs, error texts. A value that is also public (the name of a service, the value of
another variable) cannot be masked without making everything unreadable, and stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote

from stack.compose.secret_names import is_secret_name
from stack.model import Stack

MASK = "***"
SHORTEST = 6
"""Characters of a value that is masked wherever it appears; a shorter one would hit unrelated words."""
_URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):([^@/\s]+)@")
_PLAIN = re.compile(r"[\d.,:-]*|true|false|yes|no|on|off|none|null", re.IGNORECASE)
"""Numbers and words that carry no secret."""


def redact_url(text: str) -> str:
    """Return ``text`` with the password of every URL in it masked (RFC 3986, userinfo)."""
    return _URL_PASSWORD.sub(lambda match: f"{match[1]}:{MASK}@", text)


@dataclass(frozen=True)
class Redactor:
    """Masks ``secrets``, in the forms in which they are written: as they are, in URLs, in JSON."""

    secrets: frozenset[str] = field(default=frozenset())

    def text(self, text: str) -> str:
        """Return ``text`` with every secret in it masked."""
        pattern = self._pattern
        return redact_url(pattern.sub(MASK, text) if pattern is not None else text)

    def data(self, data: bytes) -> bytes:
        """Return output of a program with every secret in it masked."""
        pattern = self._bytes_pattern
        return pattern.sub(MASK.encode(), data) if pattern is not None else data

    def environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment that may be shown; a secret that is empty is shown as empty."""
        return {
            name: MASK if is_secret_name(name) and value else self.text(value)
            for name, value in environment.items()
        }

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        forms = sorted(_forms(self.secrets), key=len, reverse=True)  # the longest first: one may hold another
        return re.compile("|".join(map(re.escape, forms))) if forms else None

    @cached_property
    def _bytes_pattern(self) -> re.Pattern[bytes] | None:
        return re.compile(self._pattern.pattern.encode()) if self._pattern is not None else None


def redactor_of(stack: Stack) -> Redactor:
    """Return what masks the secrets of a stack."""
    environments = [service.environment for service in stack.services.values()]
    public = set(stack.services) | {
        value for each in environments for name, value in each.items() if not is_secret_name(name)
    }
    private = set(stack.private_values) - set(stack.services)
    named = {value for each in environments for name, value in each.items() if is_secret_name(name)} - public
    texts = [*private, *stack.endpoints.values(), *(v for each in environments for v in each.values())]
    passwords = {match[2] for text in texts for match in _URL_PASSWORD.finditer(text)} - public
    whole = {value for value in private if "://" not in value}
    return Redactor(frozenset(_long_enough(whole | named | passwords)))


def _long_enough(values: Iterable[str]) -> Iterator[str]:
    return (value for value in values if len(value) >= SHORTEST and not _PLAIN.fullmatch(value))


def _forms(secrets: Iterable[str]) -> set[str]:
    return {form for each in secrets for form in (each, quote(each, safe=""), json.dumps(each)[1:-1])}
