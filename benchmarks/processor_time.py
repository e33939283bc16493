"""The processor time of a process, of all its threads, those that have ended, too."""

from __future__ import annotations

import ctypes
import time

import psutil


def of_tree_ns(process: psutil.Process) -> int:
    """Return the nanoseconds that a process and its living descendants have run."""
    return sum(_of_process_ns(each.pid) for each in (process, *process.children(recursive=True)))


def _of_process_ns(pid: int) -> int:
    """Return what the process' own clock says (clock_getcpuclockid(3))."""
    clock = ctypes.c_int()
    if error := ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise ProcessLookupError(error, f"process {pid} has no clock")
    return time.clock_gettime_ns(clock.value)
