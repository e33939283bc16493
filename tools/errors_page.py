"""``python -m tools.errors_page``: write docs/errors.md from the modules of errors, its only source."""

from __future__ import annotations

import inspect

from stack import errors
from stack.data import errors as data_errors
from stack.errors import StackError
from stack.system.directories import ROOT

PAGE = ROOT / "docs" / "errors.md"

HEAD = """# Exit codes

Every command (`inv ...`, `nox -s integration`, `python -m stack...`) ends with one of these, and says what
happened and what to do in the lines that begin with `error:`. Made by `python -m tools.errors_page`.

| code | error | what happened |
| --- | --- | --- |
| 0 | | Success. |
| 1 | `StackError` | Any other error; the message says which. `inv health`: a service is not healthy. |
"""

TAIL = """\
| 128 + N | | Signal N ended the program that `inv exec`, `run`, `psql` or `redis-cli` ran (137: SIGKILL). |
| 130 | | Interrupted with Ctrl-C; the stack that the command was starting or testing is down. |

Other codes of `inv exec`, `run`, `manage`, `shell`, `psql` and `redis-cli` are those of the program they ran.

What Invoke and nox refuse themselves has their own codes:

| code | who | what happened |
| --- | --- | --- |
| 1 | `inv` | A command or an option that `inv` does not know, or an argument that is missing. |
| 1 | `nox` | A session failed; `nox -s integration` and `build` end with the codes above instead. |
| 2 | `nox` | An option that nox does not know, or no noxfile.py. |
| 3 | `nox` | A session that does not exist was named. |
"""


def classes() -> list[type[StackError]]:
    """Return every error, by its code."""
    members = {
        kind for module in (errors, data_errors) for _, kind in inspect.getmembers(module, inspect.isclass)
    }
    return sorted((kind for kind in members if issubclass(kind, StackError)), key=lambda kind: kind.code)


def page() -> str:
    """Return the text of docs/errors.md."""
    rows = []
    for kind in classes():
        if kind is not StackError:
            sentence = " ".join((kind.__doc__ or "").split("\n\n", maxsplit=1)[0].split())
            rows.append(f"| {kind.code} | `{kind.__name__}` | {sentence.replace('``', '`')} |\n")
    return HEAD + "".join(rows) + TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
