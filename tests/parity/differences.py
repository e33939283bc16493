"""What differs between engines by decision: one row per fact, with its reason.

A fact that differs without a row fails its test, and so does a row that no longer differs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

from stack.system import control_groups


@dataclass(frozen=True, kw_only=True)
class Difference:
    """On ``engine`` the fact ``fact`` of the case ``case`` is ``actual`` instead of what is expected.

    ``is_here``: it differs on this machine, not only on others.
    """

    case: str
    fact: str
    engine: str
    actual: str
    reason: str
    is_here: bool = True


def _local(case: str, fact: str, actual: str, reason: str) -> Difference:
    return Difference(case=case, fact=fact, engine="local", actual=actual, reason=reason)


def _without_control_groups(fact: str, actual: str) -> Difference:
    return Difference(
        case="memory limit",
        fact=fact,
        engine="local",
        actual=actual,
        reason="`mem_limit` needs a control group, which root alone can make; the start says so.",
        is_here="memory" not in control_groups.available(),
    )


HOST_AND_PORT = (
    "HOST and PORT say where to listen, because without networks (`STACK_NETWORKS=0`) it is not the address"
    " that the file says. A container always listens on the port the file says."
)
NO_WALLS = (
    "A process of this machine sees the machine's files, and runs as the user who started the stack, in"
    " root's place as `nobody`. What must be walled in needs a container engine."
)

DIFFERENCES: Final = (
    _local("environment", "HOST", "0.0.0.0", HOST_AND_PORT),
    _local("environment", "PORT", "a host port", HOST_AND_PORT),
    _local(
        "tmpfs",
        "after restart",
        "kept",
        "A tmpfs is a folder in memory that goes with the stack, not with the process: what a service wrote"
        " before it died can be looked at.",
    ),
    replace(_local("walls", "uid", "the caller's", NO_WALLS), is_here=os.geteuid() != 0),
    _local(
        "walls",
        "folder",
        "the compose file's",
        "`working_dir` is a folder of an image, and there is none; `x-local: working_dir` is one of this"
        " machine.",
    ),
    _without_control_groups("exit code of up", "0"),
    _without_control_groups("web", "ready"),
    Difference(
        case="exec",
        fact="a program that is not there",
        engine="docker",
        actual="126",
        reason="The engine looks into the container and answers with a shell's code for it.",
    ),
    Difference(
        case="exec",
        fact="a program that is not there",
        engine="podman",
        actual="127",
        reason="The engine looks into the container and answers with a shell's code for it.",
    ),
    Difference(
        case="walls",
        fact="write to a read-only root",
        engine="podman",
        actual="written",
        reason="Podman mounts a tmpfs at `/tmp`, `/var/tmp`, `/run` of a read-only container (podman-run(1),"
        " `--read-only-tmpfs`).",
    ),
    Difference(
        case="memory limit",
        fact="web",
        engine="podman",
        actual="exited: killed by SIGKILL: out of memory?",
        reason="Podman 4.3 does not tell who sent the SIGKILL where control groups are of version 1.",
    ),
)
