"""The probe of a Postgres server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from stack.health.probes import CLOSED, Connect, Observation, connect_from_here
from stack.system import libpq


@dataclass(frozen=True, kw_only=True)
class PostgresProbe:
    """``SELECT 1`` in place of ``pg_isready``: a server that is still initialising is not ready."""

    host: str
    port: int
    user: str
    password: str
    database: str
    connect: Connect = connect_from_here

    @property
    def question(self) -> str:
        return f"SELECT 1 on {self.host}:{self.port}/{self.database}"

    async def ask(self) -> Observation:
        _, writer = await self.connect(self.host, self.port)
        writer.close()
        return await asyncio.to_thread(self._select)

    def _select(self) -> Observation:
        import psycopg2

        libpq.hide_user_variables()
        try:
            connection = psycopg2.connect(
                host=self.host,
                port=self.port,
                user=self.user,
                password=self.password,
                dbname=self.database,
                connect_timeout=5,
            )
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
            finally:
                connection.close()
        except psycopg2.Error as error:
            return _refusal(str(error).strip())
        return Observation(kind="ok", detail="SELECT 1")


def _refusal(text: str) -> Observation:
    """Return what a refusal of Postgres shows; for `pg_isready`, too, one whose database is closed is up."""
    if "is not currently accepting connections" in text:
        return Observation(kind="ok", detail="up; a command keeps sessions out of the database for a moment")
    if "server closed the connection unexpectedly" in text:
        return CLOSED
    return Observation(kind="wrong", detail=text.splitlines()[-1])
