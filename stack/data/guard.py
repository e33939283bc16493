"""The guard before every destructive operation: only databases of running stacks are disposable."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from stack.errors import NotDisposable
from stack.records import state
from stack.records.state import StackState
from stack.system import processes

if TYPE_CHECKING:
    pass


def why_not_disposable(*, host: str, port: int, kept: StackState | None, alive: bool) -> str | None:
    """Return what forbids to destroy the database at ``host:port``; None where nothing does."""
    if not _is_loopback(host):
        return f"{host} is not this machine"
    if kept is None or not alive:
        return "it belongs to no running stack"
    if port not in {p for ports in kept.ports.values() for p in ports.values()}:
        return f"port {port} is none of the stack {kept.name}'s"
    return None


def require_disposable(*, host: str, port: int, stack: str) -> None:
    """Check that the database at ``host:port`` is the throw-away one of the running stack ``stack``.

    Raises:
        NotDisposable: it is not, or it cannot be known.
    """
    kept = state.read(stack)
    alive = kept is not None and processes.is_alive(kept.pid, kept.pid_started)
    reason = why_not_disposable(host=host, port=port, kept=kept, alive=alive)
    if reason is not None:
        raise NotDisposable(
            f"The database at {host}:{port} is not touched: {reason}.",
            hint="Only databases of running stacks can be reset; see `inv ps`.",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
