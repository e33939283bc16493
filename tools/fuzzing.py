"""``python -m tools.fuzzing``: run all of schemathesis' checks against the shop of an ephemeral stack.

The backend's description is read from the backend and from the gateway, each anonymously and as a customer;
then the gateway's own. At the end the books are checked. Exit code 0 where nothing was found.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stack.commands import exec, exit_code
from stack.control import session
from stack.control.choice import Choice
from stack.display import messages
from stack.display.progress import Progress
from stack.system import programs
from stack.system.directories import ROOT

CONFIGURATION = ROOT / "backend" / "schemathesis.toml"
CUSTOMER = {"email": "fuzz@example.com", "password": "correct horse 9"}
KEEP_TOKEN = ("--exclude-path", "/api/v1/accounts/logout")
"""A customer must not log out: every request after that would be anonymous."""

TIMEOUT_S = 30.0
ONE_THREAD = ("--workers", "1")
"""Hypothesis parses Python, and the parser of CPython 3.11 is not thread-safe (python/cpython#106905)."""

SHORT = ("--max-examples", "10", *ONE_THREAD)
LONG = ("--max-examples", "500", *ONE_THREAD)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of ``nox -s fuzz -- ...``; ``schemathesis`` holds those that are passed on as they are."""

    engine: str
    stack: str
    long: bool
    schemathesis: tuple[str, ...]


def parse(arguments: Sequence[str]) -> Options:
    """Return the options; unknown ones belong to schemathesis."""
    parser = argparse.ArgumentParser(prog="nox -s fuzz --", description=__doc__)
    parser.add_argument("--engine", default="auto", help="docker, podman, local, or auto (default)")
    parser.add_argument("--stack", default="ci", help="which compose file: ci (default) or local")
    parser.add_argument("--long", action="store_true", help="many examples: minutes instead of seconds")
    known, rest = parser.parse_known_args(list(arguments))
    return Options(engine=known.engine, stack=known.stack, long=known.long, schemathesis=tuple(rest))


def run(arguments: Sequence[str]) -> int:
    """Fuzz an ephemeral stack and return the exit code; errors have been printed."""
    return exit_code.run(lambda: _run(parse(arguments)))


def _run(options: Options) -> int:
    choice = Choice(kind=options.stack, engine=options.engine)
    with Progress() as progress, session.ephemeral_stack(choice, show=progress.show) as stack:
        token = _token(stack.endpoints["BACKEND_URL"])
        codes = [_fuzz(description, words, options) for description, words in runs(stack.endpoints, token)]
        books = exec.run(Choice(kind=stack.name), "backend", "python manage.py check_invariants")
        return max(*codes, books)


def runs(endpoints: Mapping[str, str], token: str) -> list[tuple[str, Sequence[str]]]:
    """Return each description that is read, with the words that say who asks."""
    backend, gateway = endpoints["BACKEND_URL"], endpoints["GATEWAY_URL"]
    anybody: tuple[str, ...] = ()
    customer = ("--header", f"Authorization: Bearer {token}", *KEEP_TOKEN)
    shops = [f"{address}/api/v1/openapi.json" for address in (backend, gateway)]
    asked = [(description, words) for description in shops for words in (anybody, customer)]
    return [*asked, (f"{gateway}/openapi.json", anybody)]


def _token(backend: str) -> str:
    """Register a customer and log in; return the token."""
    _post_customer(f"{backend}/api/v1/accounts/register")
    return str(_post_customer(f"{backend}/api/v1/accounts/login")["token"])


def _post_customer(url: str) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the stack's own address
        url, data=json.dumps(CUSTOMER).encode(), headers={"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT_S) as response:
        content: dict[str, Any] = json.load(response)
    return content


def _fuzz(description: str, words: Sequence[str], options: Options) -> int:
    messages.say(f"schemathesis reads {description}, {'a customer' if words else 'an anonymous user'} asks")
    size = LONG if options.long else SHORT
    argv = ["schemathesis", "--config-file", str(CONFIGURATION), "run", description]
    return programs.attach([*argv, "--checks", "all", *size, *words, *options.schemathesis])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
