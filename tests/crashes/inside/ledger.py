"""The sandbox provider's books outside the shop's database: a rollback of the shop cannot undo a charge."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from typing import Any

LEDGER = "CRASH_LEDGER"
"""Names the file: one JSON line a call, ``{"did", "reference", "said", "in_transaction"}``."""


def keep() -> None:
    """Write down from now on whatever the sandbox provider is asked to do."""
    sandbox = importlib.import_module("payments.sandbox").Sandbox
    for did in ("charge", "refund"):
        setattr(sandbox, did, _kept(did, getattr(sandbox, did)))


def _kept(did: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: object, *, reference: str, **named: Any) -> Any:
        try:
            outcome = real(self, reference=reference, **named)
        except Exception:  # a provider that does not answer has charged all the same
            _write(did, reference, "no answer")
            raise
        _write(did, reference, outcome.state)
        return outcome

    return call


def _write(did: str, reference: str, said: str) -> None:
    connection = importlib.import_module("django.db").connection
    row = {"did": did, "reference": reference, "said": said, "in_transaction": connection.in_atomic_block}
    descriptor = os.open(os.environ[LEDGER], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, (json.dumps(row) + "\n").encode())
    os.close(descriptor)
