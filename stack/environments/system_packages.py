"""Programs that an image installs from its system's packages, and that a service's script calls.

Only packages whose program scripts commonly call are known; compilers and libraries are of no concern here,
for Python and Node packages come as binaries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from stack.environments.build_commands import shell_commands
from stack.plan.image_config import BuildCommand
from stack.plan.images import server_kind

PROGRAMS: Final = {
    **dict.fromkeys(
        ("netcat", "netcat-openbsd", "netcat-traditional", "nmap-ncat"), ("nc", "netcat", "ncat")
    ),
    **dict.fromkeys(
        ("postgresql-client", "postgresql", "postgresql-libs"), ("pg_isready", "psql", "pg_dump")
    ),
    **dict.fromkeys(("default-mysql-client", "mariadb-client", "mysql-client"), ("mysql", "mysqladmin")),
    **dict.fromkeys(("redis", "redis-tools"), ("redis-cli",)),
    **dict.fromkeys(("dnsutils", "bind-tools"), ("dig", "nslookup", "host")),
    **dict.fromkeys(("supervisor", "supervisord"), ("supervisord",)),
    "gettext": ("envsubst",),
    "gettext-base": ("envsubst",),
    **{
        name: (name,)
        for name in ("bash", "cron", "curl", "gosu", "jq", "nginx", "su-exec", "tini", "wait-for-it")
    },
    **{
        name: (name,)
        for name in ("dumb-init", "ffmpeg", "git", "make", "rsync", "socat", "unzip", "wget", "yq")
    },
}
"""Package of Debian, Alpine or Fedora -> its programs."""

_INSTALLERS: Final = {
    "apt-get": "install",
    "apt": "install",
    "apk": "add",
    "dnf": "install",
    "yum": "install",
}
_BEFORE: Final = r"(?:^|[;&|(!`]|\b(?:if|while|until|then|do|else|exec)\s)\s*"


@dataclass(frozen=True, kw_only=True)
class PackageProgram:
    """A program, and the package of the image that has it."""

    name: str
    package: str


def installed(commands: Iterable[BuildCommand]) -> Iterator[PackageProgram]:
    """Yield the programs that an image's ``RUN`` lines install from packages."""
    for command in commands:
        for words in shell_commands(command.text):
            verb = _INSTALLERS.get(words[0])
            for package in words[words.index(verb) + 1 :] if verb in words else ():
                for name in PROGRAMS.get(re.split("[=~<>]", package)[0], ()):
                    yield PackageProgram(name=name, package=package)


def of_server(image: str) -> tuple[PackageProgram, ...]:
    """Return the programs of a server's image that a machine with the server may lack."""
    is_redis = server_kind(image) == "redis"
    return (PackageProgram(name="redis-cli", package="redis-tools"),) if is_redis else ()


def calls(script: str, program: str) -> bool:
    """Return whether a shell script calls a program."""
    lines = (line for line in script.splitlines() if not line.lstrip().startswith("#"))
    pattern = re.compile(rf"{_BEFORE}{re.escape(program)}(?=\s|;|$)")
    return any(pattern.search(line) for line in lines)
