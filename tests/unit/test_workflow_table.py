"""docs/integration-environment.md is true: its table of jobs has the commands that both workflows run."""

from __future__ import annotations

import re
from collections import defaultdict

import yaml

from stack.system.directories import ROOT

PAGE = (ROOT / "docs" / "integration-environment.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(?P<job>[\w-]+)`[^|]* \| (?P<commands>`nox [^|]*`)[^|]* \|$", re.MULTILINE)
INSTALL = "python3 -m pip install -e . && "


def commands_by_job() -> dict[str, set[str]]:
    """Return which nox commands the jobs of a name run in either workflow, on the default engine."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in ("backend-ci", "ai-services-ci"):
        workflow = yaml.safe_load(
            (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
        )
        for job, details in workflow["jobs"].items():
            lines = [step["run"] for step in details["steps"] if step.get("run", "").startswith(INSTALL)]
            found[job] |= {line.removeprefix(INSTALL).replace('"$STACK_ENGINE"', "docker") for line in lines}
    return dict(found)


def test_the_table_of_jobs_has_the_commands_of_the_workflows() -> None:
    table = {row["job"]: set(re.findall(r"`([^`]+)`", row["commands"])) for row in ROW.finditer(PAGE)}
    assert table == commands_by_job()
