"""The guardian's protocol: a command and its reply, one JSON line each, over the control socket."""

from __future__ import annotations

import enum

import msgspec


class Action(enum.StrEnum):
    """What a guardian can be asked to do.

    ``rebuild`` stops, builds and starts services; ``debug`` restarts them under a debugger, until they are
    started again in another way.
    """

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    REBUILD = "rebuild"
    DEBUG = "debug"
    DOWN = "down"


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request. ``services`` are those to change; ``volumes``: ``down`` removes named volumes too.

    ``debug`` needs ``port``, where the debugger is to listen, and ``debugpy``, the folder that it lies in.
    """

    action: Action
    services: tuple[str, ...] = ()
    volumes: bool = False
    port: int = 0
    debugpy: str = ""


class Outcome(enum.StrEnum):
    """How a command ended."""

    DONE = "done"
    NOT_READY = "not ready"
    UNKNOWN_SERVICE = "unknown service"
    FAILED = "failed"


class Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reply to a command; ``services`` are those that are not ready, or unknown.

    Where it failed, ``error`` is the cause, ``hint`` the way out and ``code`` the exit code.
    """

    outcome: Outcome
    services: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""
    code: int = 0
