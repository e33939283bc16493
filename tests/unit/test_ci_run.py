""".ci/run runs every nox session, except for those that have a reason not to be in it."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from nox import registry

import noxfile
from stack.system.directories import ROOT

FILES = {
    name: (ROOT / ".ci" / name).read_text(encoding="utf-8")
    for name in ("run", "service-stages", "docker-stages")
}
TEXT = "".join(FILES.values())
RUN = set(re.findall(r"nox -s \"?([\w-]+)", TEXT))
ELSEWHERE = {
    "docker-lint": "a part of lint",
    "build": "integration builds what it needs",
    "unprotected": "it takes the better part of an hour; it is run when a protection changes",
    "mutants": "it takes hours, a sample of it minutes; it is run when a service changes",
    "workflows": "it runs sessions that are in here",
    "lock": "lint compares the locks",
    "clean": "it tests nothing",
}


OWN = {"STACK_HOME", "STACK_CACHE", "PYTEST_DEBUG_TEMPROOT"}
"""The variables that name folders."""


def test_every_session_is_in_ci_or_has_a_reason_not_to_be() -> None:
    assert noxfile.PARTS, "the sessions are registered"
    sessions = {name.partition("(")[0] for name in registry.get()}
    assert sessions - RUN == set(ELSEWHERE)


@pytest.mark.parametrize("name", ["faults", "cli", "data", "docs", "browser"])
def test_a_session_that_knows_engines_runs_on_both(name: str) -> None:
    assert len(re.findall(rf"nox -s {name}\n", FILES["run"] + FILES["service-stages"])) == 1
    assert f"{name.upper()}_ENGINE=docker nox -s {name}\n" in FILES["docker-stages"]


def test_what_runs_beside_others_has_folders_of_its_own(tmp_path: Path) -> None:
    """Another account has none of them. Each pytest that starts closes its folder to the servers' account."""
    script = (
        f"work={tmp_path} times={tmp_path}/times; source {ROOT}/.ci/stages.sh; "
        f"make_environment() {{ :; }}; use_folders {tmp_path}/own; env"
    )
    printed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    own = {name for name in OWN if re.search(f"^{name}={tmp_path}/own", printed, re.MULTILINE)}
    assert own == OWN
    assert {name for name in OWN if f"--unset={name}" in FILES["run"]} == OWN


def test_a_signal_ends_the_stage_that_runs(tmp_path: Path) -> None:
    script = (
        f"work={tmp_path} times={tmp_path}/times; source {ROOT}/.ci/stages.sh; "
        "stage waiting bash -c 'sleep 60 & echo started; wait'"
    )
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        while shell.stdout.readline() != "started\n":
            assert shell.poll() is None
        below = psutil.Process(shell.pid).children(recursive=True)
        assert len(below) == 3, "timeout, bash and the sleep that it starts"
        shell.send_signal(signal.SIGTERM)
        assert shell.wait(20) == 143
    deadline = time.monotonic() + 10
    while any(map(runs, below)):
        assert time.monotonic() < deadline, below
        time.sleep(0.01)


def runs(process: psutil.Process) -> bool:
    """Return whether it has not ended; one that nobody has waited for yet has."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
