"""``nc -z HOST PORT`` and ``wait-for-it HOST:PORT``: what entry scripts use of nc(1) and wait-for-it(1).

It imports the standard library alone, for any Python runs it.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable

PAUSE_S = 0.1
CONNECT_LIMIT_S = 5.0


def is_open(host: str, port: int, limit_s: float) -> bool:
    """Return whether something listens there."""
    try:
        socket.create_connection((host, port), limit_s).close()
    except OSError:
        return False
    return True


def nc(words: list[str]) -> int:
    """Return 0 where the port is open: the scan mode of nc(1) alone."""
    parser = argparse.ArgumentParser(prog="nc (only -z: netcat is not installed)", add_help=False)
    parser.add_argument("-z", action="store_true", required=True)
    parser.add_argument("-w", type=float, default=CONNECT_LIMIT_S)
    for flag in ("-v", "-n", "-4", "-t"):
        parser.add_argument(flag, action="count")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    options = parser.parse_args(words)
    return 0 if is_open(options.host, options.port, options.w) else 1


def wait_for_it(words: list[str]) -> int:
    """Wait until the port is open, then run the command; return 1 where it stays closed."""
    end_of_own = words.index("--") if "--" in words else len(words)
    own, command = words[:end_of_own], words[end_of_own + 1 :]
    parser = argparse.ArgumentParser(prog="wait-for-it", add_help=False)
    parser.add_argument("address", nargs="?", default="")
    parser.add_argument("-h", "--host")
    parser.add_argument("-p", "--port", type=int)
    parser.add_argument("-t", "--timeout", type=float, default=15.0)
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-s", "--strict", action="store_true")
    options = parser.parse_args(own)
    host, _, port = options.address.rpartition(":")
    host, port = options.host or host, options.port or int(port)
    limit = time.monotonic() + options.timeout if options.timeout else float("inf")
    while not (opened := is_open(host, port, CONNECT_LIMIT_S)) and time.monotonic() < limit:
        time.sleep(PAUSE_S)
    if not options.quiet:
        state = "is available" if opened else f"is not available after {options.timeout:g} s"
        print(f"wait-for-it: {host}:{port} {state}", file=sys.stderr)
    if command and (opened or not options.strict):
        os.execvp(command[0], command)
    return 0 if opened else 1


PROGRAMS: dict[str, Callable[[list[str]], int]] = {"nc": nc, "wait-for-it": wait_for_it}

if __name__ == "__main__":
    sys.exit(PROGRAMS[sys.argv[1]](sys.argv[2:]))
