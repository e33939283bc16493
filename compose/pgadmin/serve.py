"""Serve pgAdmin as a process, signed in to the servers of servers.json, as its official image does.

A server's address here comes from ``POSTGRES_ADDRESS`` (``HOST:PORT``), its password from the file pgpass.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def servers(text: str, *, address: str, passfile: Path) -> dict[str, Any]:
    """Return the servers of servers.json with the address and the file of passwords of this machine."""
    host, _, port = address.rpartition(":")
    document: dict[str, Any] = json.loads(text)
    for server in document["Servers"].values():
        server |= {"Host": host, "Port": int(port)}
        server["ConnectionParameters"]["passfile"] = str(passfile)
    return document


def prepare(data: Path, address: str) -> None:
    """Make pgAdmin's own database where there is none, and put the servers into it where they differ."""
    data.mkdir(parents=True, exist_ok=True)
    passfile = data / ".pgpass"
    shutil.copyfile(HERE / "pgpass", passfile)
    passfile.chmod(0o600)  # libpq reads no other
    if not (data / "pgadmin4.db").exists():
        command("setup-db")
    file = data / "servers.json"
    document = json.dumps(servers((HERE / "servers.json").read_text(), address=address, passfile=passfile))
    if not file.exists() or file.read_text() != document:
        file.write_text(document)
        command("load-servers", str(file), "--replace")


def command(*words: str) -> None:
    """Run a command of pgAdmin's own tool."""
    subprocess.run([sys.executable, "-m", "pgadmin4.setup", *words], check=True)


def main() -> None:
    """Serve until told to stop."""
    os.environ["PYTHONPATH"] = str(HERE)  # where config_local is
    prepare(Path(os.environ["PGADMIN_DATA"]), os.environ["POSTGRES_ADDRESS"])
    os.execv(sys.executable, [sys.executable, "-m", "pgadmin4.pgAdmin4"])


if __name__ == "__main__":
    main()
