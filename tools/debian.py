"""A bare Debian system in an archive, from this machine's mirrors, trusting this machine's authorities."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stack.errors import BuildFailed, CommandFailed
from stack.system.completed import Completed
from stack.system.directories import ROOT
from stack.system.programs import BUILD_LIMIT_S

AUTHORITIES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
)
"""Where operating systems keep the certificate authorities that they trust, in one file."""

RECIPE = ROOT / "tools" / "base-images" / "debian"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*/LC_MESSAGES/*")
INHERITED = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")
"""Options that apt has on this machine because of its mirror; the images need them, too."""

MERGED_USR = Path("/usr/share/mmdebstrap/hooks/maybe-merged-usr")


class Run(Protocol):
    """Run a program to its end, as ``stack.system.programs.run`` does."""

    def __call__(
        self, argv: Sequence[str | Path], *, timeout_s: float = ..., check: bool = True
    ) -> Completed: ...


@dataclass(frozen=True, kw_only=True)
class Debian:
    """``archive`` and ``security`` are addresses of mirrors, empty for mmdebstrap's own default."""

    run: Run
    archive: str = ""
    security: str = ""
    options: tuple[str, ...] = ()

    @classmethod
    def of_this_machine(cls, run: Run) -> Debian:
        """Read the machine's apt configuration, and install mmdebstrap where it is missing.

        Raises:
            BuildFailed: mmdebstrap is missing and cannot be installed.
        """
        if shutil.which("mmdebstrap") is None:
            _install(run)
        if shutil.which("apt-get") is None:
            return cls(run=run)
        archive, security = _mirrors(_output(run, *_TARGETS))
        return cls(run=run, archive=archive, security=security, options=_inherited(run))

    def sources(self, suite: str) -> tuple[str, ...]:
        """Return the lines of ``sources.list`` for a release."""
        lines = [f"deb {self.archive} {suite} main"] if self.archive else []
        return (*lines, f"deb {self.security} {suite}-security main") if self.security else tuple(lines)

    def argv(self, suite: str, target: Path) -> tuple[str | Path, ...]:
        """Return the command that writes the release to the tar file ``target``."""
        return (
            ("mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,usr-is-merged")
            + ((f"--hook-dir={MERGED_USR}",) if MERGED_USR.exists() else ())
            + tuple(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT)
            + tuple(f"--aptopt={option}" for option in self.options)
            + (f"--customize-hook={RECIPE / 'customize.sh'}", suite, target, *self.sources(suite))
        )

    def write_system(self, suite: str, target: Path) -> None:
        """Write a bare system of the release to the tar file ``target``.

        Raises:
            BuildFailed: mmdebstrap failed; the error carries the end of its output.
        """
        bundle = authorities()
        environment = ("env", f"HOST_CA_BUNDLE={bundle}") if bundle else ()
        overlay = RECIPE / "overlay"
        files = [f"./{path.relative_to(overlay)}" for path in sorted(overlay.rglob("*")) if path.is_file()]
        append = ("tar", "--append", "--file", target, "--owner=0", "--group=0", "-C", overlay)
        try:
            self.run((*environment, *self.argv(suite, target)), timeout_s=BUILD_LIMIT_S)
            # mmdebstrap removes policy-rc.d at its end, so that it can only be added afterwards.
            self.run((*append, *files), timeout_s=BUILD_LIMIT_S)
        except CommandFailed as error:
            raise BuildFailed(
                f"Debian {suite} could not be unpacked: {error.output.strip()[-1000:]}",
                hint="Does `apt-get update` work here? Is there room in the folder for temporary files?",
            ) from error

    @staticmethod
    def authorities_digest() -> str:
        """Return a digest of the authorities that this machine trusts; empty where it names none."""
        bundle = authorities()
        return hashlib.sha256(bundle.read_bytes()).hexdigest() if bundle else ""


_TARGETS = (
    "apt-get",
    "indextargets",
    "--format",
    "$(ORIGIN) $(CODENAME) $(REPO_URI)",
    "Created-By: Packages",
)


def authorities() -> Path | None:
    """Return the file of the authorities that this machine trusts; None where it is at no known place."""
    return next((path for path in AUTHORITIES if path.is_file()), None)


def _mirrors(targets: str) -> tuple[str, str]:
    """Return Debian's archive and its security archive, as ``apt-get indextargets`` names them."""
    addresses = {"archive": "", "security": ""}
    for origin, codename, address in (line.split() for line in targets.splitlines() if line.count(" ") == 2):
        kind = "security" if codename.endswith("-security") else "archive"
        if origin == "Debian" and not addresses[kind]:
            addresses[kind] = address
    return addresses["archive"], addresses["security"]


def _inherited(run: Run) -> tuple[str, ...]:
    lines = _output(run, "apt-config", "dump", *INHERITED).splitlines()
    return tuple(line.rstrip(";") for line in lines if line.startswith(INHERITED) and '""' not in line)


def _output(run: Run, *argv: str) -> str:
    return run(argv, check=False).stdout


def _install(run: Run) -> None:
    advice = "Install it (Debian, Ubuntu: `sudo apt-get install mmdebstrap`)"
    hint = f"{advice}, or load the images with `docker load`."
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise BuildFailed("mmdebstrap, which unpacks Debian's packages, is not installed.", hint=hint)
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    try:
        run((*apt, "update"), check=False, timeout_s=BUILD_LIMIT_S)
        install = (*apt, "install", "-y", "--no-install-recommends", "mmdebstrap")
        run(install, timeout_s=BUILD_LIMIT_S)
    except CommandFailed as error:
        raise BuildFailed(
            f"mmdebstrap cannot be installed: {error.output.strip()[-500:]}", hint=hint
        ) from error
