"""The report of a failed start: the first cause, its evidence and what to do."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from stack.display import log_evidence, terminal
from stack.display.terminal import plain
from stack.health.verdicts import BAD
from stack.records.timeline import Event

_ADVICE: Final[Mapping[str, str]] = {
    "ended": "a service must stay in the foreground; a job that ends by design has no health check, and its "
    "dependents use `condition: service_completed_successfully`",
    "killed": "it was killed from outside, most often because memory ran out: see `inv doctor`",
    "no memory": "it needed more memory than its `mem_limit`: give it more",
    "signal": "a signal ended it: either it crashed (see its last lines) or it was killed",
    "exit code": "its last lines say why it ended; correct that and start again",
    "other port": "make it listen on the port in its PORT variable, or correct its `healthcheck`",
    "refused": "it runs but listens on no port: its log may say what it waits for; if it is only slow, give "
    "its `healthcheck` a longer `start_period`",
    "deadline": "its health check allows more time than the stack has: if it is only slow, give a longer "
    "`--timeout`; else its log may say what it waits for",
    "hang": "it accepts connections but does not answer: its log may say what it waits for",
    "no end": "see in its log what its health check waits for; if it is only slow, give the check a longer "
    "`timeout`",
    "slow": "it answers, but more slowly than its health check allows: give the check a longer `timeout`",
    "wrong": "its health check fails: see the answer above and its log",
    "no program": "install the program of its `healthcheck`, or write the check with one that is there",
    "workers end": "its worker processes end again and again: its log says why",
    "no check": "give the dependency a `healthcheck`, or wait for it with `condition: service_started`",
    "port taken": "end that program, or publish another port",
}
"""What to do about a symptom, or about a state that has only one."""

_NEEDS_SUPERUSER: Final = re.compile(r"permission denied to create (role|extension)|[Mm]ust be superuser")


def failure(events: Iterable[Event], run: Path) -> str:
    """Return the report of a failed start: the first cause with its evidence, then what followed."""
    bad = [e for e in events if e.kind == "service" and e.state in BAD]
    first = next((e for e in bad if e.state != "dependency failed"), bad[0] if bad else None)
    if first is None:
        return f"The stack did not come up; see {run}."
    when = f"({first.seconds:.1f} s after its start)" if first.seconds else "(it was not started)"
    lines = ["", f"{first.service} failed: {first.state}, {first.text} {when}"]
    if evidence := log_evidence.of_event(first, run):
        lines.append(f"  last lines of {first.service}:")
        lines += [f"  | {line}" for line in evidence]
    elif first.seconds:
        lines.append(f"  {first.service} wrote nothing to its log")
    lines += [
        f"  then {e.service}: {e.state}, {terminal.first_line(e.text)}"
        for e in bad
        if e is not first and e.service != first.service
    ]
    request = _request(run)
    lines.append(f"  what to do: {_advice_by_log(evidence, request) or advice(first)}")
    look = f"`inv logs {first.service}{_stack_option(request)}`"
    lines.append(f"  next: {look}; the record of the run is in {run}")
    return "\n".join(plain(line) for line in lines)


def advice(first: Event) -> str:
    """Return what a person can do about the first cause."""
    return _ADVICE.get(first.symptom or first.state, "correct the cause named above and start again")


def _advice_by_log(evidence: Iterable[str], request: Mapping[str, Any]) -> str:
    """Return what to do about a cause that only the last lines show."""
    if request.get("engine") == "local" and any(map(_NEEDS_SUPERUSER.search, evidence)):
        return (
            "on the local engine POSTGRES_USER is no superuser once its database is made: do it in a script "
            "of /docker-entrypoint-initdb.d, or use --engine docker (docs/engines.md)"
        )
    return ""


def _request(run: Path) -> Mapping[str, Any]:
    """Return what the run was asked for, nothing where that cannot be read."""
    try:
        request = json.loads((run / "request.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return request if isinstance(request, dict) else {}


def _stack_option(request: Mapping[str, Any]) -> str:
    """Return the option that names the run's stack: `--stack`, or `--compose` for another project's file."""
    try:
        file = request["files"][0]
    except (LookupError, TypeError):
        return ""
    own = re.fullmatch(r"docker-compose\.([\w-]+)\.yml", Path(file).name)
    if own is None:
        return f" --compose {shlex.quote(file)}"
    return "" if own[1] == "local" else f" --stack {own[1]}"
