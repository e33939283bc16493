"""How `nox -s workflows` runs a GitHub workflow on this machine with act."""

from __future__ import annotations

import re

from stack.engines import registry
from stack.system.directories import ROOT

STAND_INS = ROOT / "tools" / "stand-ins"


def options(workflow: str, engine: str, *, folder: str) -> list[str]:
    """Return act's options to run a workflow with the stacks on ``engine``; ``folder`` is for its caches."""
    return [
        "push", "--workflows", workflow, "--platform", "ubuntu-latest=-self-hosted",
        "--var", f"STACK_ENGINE={registry.choose(engine)}",
        "--env", f"WORKFLOW_ARTIFACTS={ROOT / '.stack' / 'artifacts'}",
        "--action-cache-path", folder, "--no-cache-server", *_stand_ins(workflow),
    ]  # fmt: skip


def _stand_ins(workflow: str) -> list[str]:
    """Return act's options that replace GitHub's actions by the folders of tools/stand-ins."""
    used = set(re.findall(r"uses: (actions/([\w-]+)@\w+)", (ROOT / workflow).read_text(encoding="utf-8")))
    return [
        f"--local-repository={use}={STAND_INS / name}" for use, name in used if (STAND_INS / name).is_dir()
    ]
