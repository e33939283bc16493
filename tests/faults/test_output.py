"""What services write: too much, no text, or where no room is left."""

from __future__ import annotations

import sys

from faults.disks import small_disk
from faults.settings import CONTAINERS, LONG, PATIENT
from faults.tree import Tree
from stack.display import failure
from unprotected.protection import Cut, protected_by

FAILURE = "stack/display/failure.py"
SERVICE_LOGS = "stack/records/service_logs.py"


@protected_by(
    "the older half of a full log is let go",
    Cut(SERVICE_LOGS, "if self._size + len(data) > self._limit // 2:", "if False:"),
)
def test_a_flood_of_log_lines_fills_no_disk_and_stops_nothing(tree: Tree) -> None:
    mib = "1024" if LONG else "60"
    tree.write({"db": "floods"}, db={"environment": {"FLOOD_MIB": mib}, "healthcheck": PATIENT})
    outcome = tree.hold(deadline_s=50)
    assert outcome.event("db", "ready")
    size = sum(path.stat().st_size for path in (outcome.run / "logs").iterdir())
    assert size <= 40 << 20


@protected_by(
    "what is no text is replaced",
    Cut(SERVICE_LOGS, 'line.decode(errors="replace").rstrip("\\r") for', "line.decode() for"),
)
@protected_by(
    "they are taken out where people read",
    Cut(FAILURE, 'return "\\n".join(plain(line) for line in lines)', 'return "\\n".join(lines)'),
)
def test_a_log_that_is_not_text_is_shown_as_text(tree: Tree) -> None:
    tree.write({"db": "writes_nonsense"})
    outcome = tree.hold()
    assert "not UTF-8" in outcome.log("db")
    assert "not UTF-8" in outcome.event("db", "exited").evidence
    assert "\x1b" not in failure.failure(outcome.events, outcome.run)


@protected_by(
    "its last lines are the evidence",
    Cut(
        SERVICE_LOGS, 'self._tail.extend(line.decode(errors="replace").rstrip("\\r") for line in lines[-20:])'
    ),
)
def test_a_full_disk_is_explained_by_the_service_s_last_lines(tree: Tree) -> None:
    """The disk is a container's tmpfs, or a small file system in a mount namespace."""
    small = {"environment": {"SMALL": "/small"}, "tmpfs": ["/small:size=4m"]}
    if not CONTAINERS:
        folder = tree.folder / "small"
        folder.mkdir()
        program = [sys.executable, str(tree.program), "fills_the_disk"]
        words = small_disk(folder, "4m", program, in_service=True)
        small = {"environment": {"SMALL": str(folder)}, "x-local": {"command": words}}
    tree.write({"db": "fills_the_disk"}, db=small)
    assert "No space left on device" in tree.hold().event("db", "exited").evidence


@protected_by(
    "every value of .env.local is masked as it is written",
    Cut("stack/guardian/supervisor.py", ", redact=redactor.data)", ")"),
)
def test_no_value_of_the_overrides_is_in_the_record_of_a_run(tree: Tree) -> None:
    """Written by the service, asked by its check, given on its command line, named in an error."""
    canaries = [f"canary-{number}-{'x' * number}" for number in range(1, 8)]
    lines = "".join(f"CANARY_{number}={value}\n" for number, value in enumerate(canaries))
    (tree.folder / ".env.local").write_text(lines)
    given = {f"C{number}": f"${{CANARY_{number}}}" for number in range(7)}
    check = {"test": ["CMD-SHELL", "echo $$C0 ${CANARY_1}; exit 1"], "interval": "1s", "retries": 3}
    tree.write({"db": "writes_its_environment"}, db={"environment": given, "healthcheck": check})
    outcome = tree.hold()
    record = "".join(path.read_text() for path in outcome.run.rglob("*") if path.is_file())
    assert "***" in outcome.log("db")
    assert [value for value in canaries if value in record] == []
