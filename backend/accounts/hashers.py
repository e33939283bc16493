"""Password hashing in a thread of lower priority than that of requests."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from core.turns import take_turn

LOWER_PRIORITY = 5
"""Added to the nice value: requests go first, and on a busy machine a login has its share (sched(7))."""


class PatientPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Hash as Django does, with the same result, one at a time in a thread of lower priority, and in turn.

    A hash takes tenths of a second of a processor (measured: benchmarks/shop_login_storm.py).
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the encoded hash."""
        thread = hashing_thread(os.getpid())
        return thread.submit(_in_turn, super().encode, password, salt, iterations).result()


@cache
def hashing_thread(process_id: int) -> ThreadPoolExecutor:
    """Return the thread of a process: it does not outlive a fork."""
    del process_id
    return ThreadPoolExecutor(1, thread_name_prefix="password-hashing", initializer=_lower_priority)


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere a priority is that of the whole process: setpriority(2), "BUGS"
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + LOWER_PRIORITY)


def _in_turn(encode: Callable[[str, str, int | None], str], *arguments: Any) -> str:
    with take_turn():
        return encode(*arguments)
