"""libpq, by which Postgres is asked."""

from __future__ import annotations

import os


def hide_user_variables() -> None:
    """Let libpq see none of the ``PG*`` variables of the person who typed the command.

    They lead elsewhere, name a service that is to be looked up, or insist on what a stack's server has not;
    not all of them give way to what a connection is given:
    https://www.postgresql.org/docs/current/libpq-envars.html. Programs that are started keep them, because
    they are given what ``os.environ`` holds, which stays as it is.
    """
    for name in os.environ:
        if name.startswith("PG"):
            os.unsetenv(name)
