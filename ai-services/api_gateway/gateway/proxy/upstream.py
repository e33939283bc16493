"""The backend: its address, a connection pool, and a limit on concurrent requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gateway.problems import Problem
from gateway.proxy.headers import Headers
from gateway.settings import Settings

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KEEP_ALIVE_S = 30.0  # less than the backend's 75 s: the gateway always closes an idle connection first


class Upstream:
    """Client of the backend. aiohttp is imported in a thread, so that the gateway listens sooner."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.connections)

    async def __aenter__(self) -> Self:
        self._sessions = asyncio.create_task(self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in await self._sessions:
            await session.close()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the slots for concurrent requests.

        Raises:
            Problem: 503, if none became free in time.
        """
        try:
            async with asyncio.timeout(self._settings.queue_s):
                await self._slots.acquire()
        except TimeoutError:
            detail = f"{self._settings.connections} requests are in progress already; try again in a second."
            raise Problem(503, "overloaded", detail, {"Retry-After": "1"}) from None
        try:
            yield
        finally:
            self._slots.release()

    async def request(
        self, method: str, target: str, headers: Headers, body: AsyncIterator[bytes] | None = None
    ) -> ClientResponse:
        """Return the response once its head has arrived; ``target`` is path and query, already encoded.

        Raises:
            aiohttp.ClientError: no connection, a broken one, or an invalid response.
        """
        from yarl import URL

        pooled, single_use = await self._sessions
        # Unsafe methods get a new connection: one from the pool may be closing, and an unsafe request
        # must not be repeated. aiohttp repeats the safe ones once.
        session = pooled if method in SAFE_METHODS else single_use
        return await session.request(
            method,
            URL(self._settings.backend_url + target, encoded=True),
            headers=[(name.decode("latin-1"), header_text(value)) for name, value in headers],
            data=body,
            allow_redirects=False,
        )

    async def _open(self) -> tuple[ClientSession, ClientSession]:
        await asyncio.to_thread(import_module, "aiohttp")
        return self._session(force_close=False), self._session(force_close=True)

    def _session(self, *, force_close: bool) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

        keep_alive_s = None if force_close else KEEP_ALIVE_S
        return ClientSession(
            connector=TCPConnector(limit=0, force_close=force_close, keepalive_timeout=keep_alive_s),
            timeout=ClientTimeout(total=None, sock_connect=self._settings.connect_s),
            cookie_jar=DummyCookieJar(),  # cookies belong to the clients and are never shared between them
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )


def header_text(value: bytes) -> str:
    """Return a header's value as a string; aiohttp encodes it as UTF-8 again."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
