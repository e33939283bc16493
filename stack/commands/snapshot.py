"""`inv snapshot`"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from stack.commands import data_access, snapshot_record, spare
from stack.commands.branch_data import current_branch
from stack.commands.data_access import Access
from stack.control.choice import Choice
from stack.data import postgres, snapshot
from stack.data.rows import Difference
from stack.data.snapshot import Snapshot
from stack.display import messages, question, tables, terminal
from stack.errors import InvalidOption

ROWS_AT_MOST = 10
"""So many rows of a table are shown that went, and that came."""

WIDTH = 160


def run(
    choice: Choice,
    verb: str,
    name: str,
    *,
    branch: bool = False,
    overwrite: bool = False,
    as_json: bool = False,
    yes: bool = False,
) -> None:
    """Save, restore, delete or compare the snapshot ``name``, or list all.

    With ``branch`` the name is that of a git branch, the current one where none is given.

    Raises:
        InvalidOption: there is no such verb, or no branch.
        NotConfirmed: who was asked does not want the snapshot deleted.
    """
    verbs: dict[str, Callable[[Access, str], None]] = {
        "save": lambda access, chosen: _save(access, chosen, overwrite=overwrite or branch),
        "restore": _restore,
        "delete": lambda access, chosen: _delete(access, chosen, yes=yes),
        "diff": _diff,
    }
    if verb == "list":
        list_all(choice, as_json=as_json)
        return
    if verb not in verbs:
        known = ", ".join((*verbs, "list"))
        what = f"does not know {verb!r}" if verb else "needs a verb"
        raise InvalidOption(f"inv snapshot {what}.", hint=f"Verbs: {known}.")
    access = data_access.open_access(choice)
    if branch:
        name = snapshot.name_of_branch(name or _require_branch(access))
    verbs[verb](access, name)


def _require_branch(access: Access) -> str:
    branch = current_branch(Path(access.state.work_tree))
    if not branch:
        raise InvalidOption(
            f"--branch: {access.state.work_tree} is on no git branch.",
            hint="Name one, or leave --branch out.",
        )
    return branch


def _save(access: Access, name: str, *, overwrite: bool) -> None:
    began = time.monotonic()
    snapshots = snapshot.save(
        access.live(),
        name,
        branch=current_branch(Path(access.state.work_tree)),
        overwrite=overwrite,
        say=messages.say,
    )
    snapshot_record.write(access.state, snapshots)
    size, seconds = tables.format_bytes(snapshots[-1].size_bytes), time.monotonic() - began
    messages.say(f"{access.state.name}: saved the snapshot {name} ({size}, {seconds:.2f} s)")


def _restore(access: Access, name: str) -> None:
    began = time.monotonic()
    restored = snapshot.restore(access.live(), name, say=messages.say)
    spare.start(access.state)
    age, seconds = tables.age(time.time() - restored.created), time.monotonic() - began
    messages.say(f"{access.state.name}: restored the snapshot {name}, {age} old ({seconds:.2f} s)")


def _delete(access: Access, name: str, *, yes: bool) -> None:
    with postgres.session(access.server) as cursor:
        size = tables.format_bytes(snapshot.find(cursor, access.server, name).size_bytes)
    question.require_consent(f"Delete the snapshot {name} of {access.state.name} ({size})?", yes=yes)
    others = snapshot.delete(access.server, access.location(), name, say=messages.say)
    snapshot_record.write(access.state, others)
    messages.say(f"{access.state.name}: deleted the snapshot {name} ({size})")


def _diff(access: Access, name: str) -> None:
    found = snapshot.diff(access.server, name, say=messages.say)
    if not found:
        messages.say(f"{access.state.name}: nothing has changed since the snapshot {name}")
    for difference in found:
        for line in difference_lines(difference):
            messages.say(terminal.plain(line.replace("\n", " ")))


def difference_lines(difference: Difference) -> list[str]:
    """Return how a table has changed, as lines to be read."""
    before = "absent" if difference.before is None else f"{difference.before}"
    after = "absent" if difference.after is None else f"{difference.after} rows"
    same = ", changed" if difference.before == difference.after else ""
    lines = [f"{difference.table}: {before} -> {after}{same}"]
    changes, gone, new = _paired(difference)
    for sign, rows in (("~", changes), ("-", gone), ("+", new)):
        lines += [f"  {sign} {row[:WIDTH]}" for row in rows[:ROWS_AT_MOST]]
        if len(rows) > ROWS_AT_MOST:
            lines.append(f"  {sign} and {len(rows) - ROWS_AT_MOST} more")
    return lines


def _paired(difference: Difference) -> tuple[list[str], list[str], list[str]]:
    """Return the changed columns of rows with the same id, and the rows that were deleted and added."""
    old, new = _by_id(difference.gone), _by_id(difference.new)
    both = [key for key in old if key in new]
    changes = [f"id {key}: {_changed_columns(_parsed(old[key]), _parsed(new[key]))}" for key in both]
    paired = {table[key] for table in (old, new) for key in both}
    return (
        changes,
        [row for row in difference.gone if row not in paired],
        [row for row in difference.new if row not in paired],
    )


def _by_id(rows: Sequence[str]) -> dict[object, str]:
    """Return the rows that have an id of their own, by it."""
    named = [(key, row) for row in rows if isinstance(key := _parsed(row).get("id"), int | str)]
    times = Counter(key for key, _ in named)
    return {key: row for key, row in named if times[key] == 1}


def _parsed(row: str) -> dict[str, object]:
    """Return a row's columns; none where they are nested too deeply, or a number is too long, to be read."""
    try:
        columns: dict[str, object] = json.loads(row)
    except (ValueError, RecursionError):
        return {}
    return columns


def _changed_columns(old: dict[str, object], new: dict[str, object]) -> str:
    return ", ".join(
        f"{column} {json.dumps(old.get(column))} -> {json.dumps(new.get(column))}"
        for column in (*new, *(column for column in old if column not in new))
        if old.get(column) != new.get(column)
    )


def list_all(choice: Choice, *, as_json: bool) -> None:
    """List the stack's snapshots with size, age, branch and migration heads."""
    access = data_access.open_access(choice)
    with postgres.session(access.server) as cursor:
        snapshots = snapshot.all_of(cursor, access.server)
    snapshot_record.write(access.state, snapshots)
    if as_json:
        messages.say(json.dumps([asdict(each) for each in snapshots], indent=1))
    elif snapshots:
        columns = ["name", "size", "age", "branch", "migrations"]
        messages.say(tables.table([_row(each) for each in snapshots], columns))
    else:
        messages.advise(f"{access.state.name} has no snapshots; `inv snapshot save NAME` takes one")


def _row(each: Snapshot) -> dict[str, str]:
    return {
        "name": each.name,
        "size": tables.format_bytes(each.size_bytes),
        "age": tables.age(time.time() - each.created),
        "branch": each.branch or "-",
        "migrations": " ".join(f"{app}.{head[:4]}" for app, head in each.heads.items()),
    }
