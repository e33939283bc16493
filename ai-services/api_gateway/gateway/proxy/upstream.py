"""The backend: its address, a connection pool, and what clients may take at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gateway import metrics
from gateway.proxy.headers import Headers
from gateway.proxy.shares import Shares
from gateway.settings import Settings

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse, ClientSession

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MEMORY_BYTES = 64 * 1024 * 1024
"""For all request bodies together; one client may use half of it, as of the slots."""
KEEP_ALIVE_S = 30.0  # less than the backend's 75 s: the gateway always closes an idle connection first


class Upstream:
    """Client of the backend. aiohttp is imported in a thread, so that the gateway listens sooner."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.slots = Shares(settings.connections, -(-settings.connections // 2))
        self.memory = Shares(MEMORY_BYTES, MEMORY_BYTES // 2)
        for name, shares in (("slots", self.slots), ("body-bytes", self.memory)):
            metrics.show_shares(name, total=shares.total, in_use=shares.in_use)

    async def __aenter__(self) -> Self:
        self._sessions = asyncio.create_task(self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in await self._sessions:
            await session.close()

    async def request(self, method: str, target: str, headers: Headers, body: bytes = b"") -> ClientResponse:
        """Return the response once its head has arrived; ``target`` is path and query, already encoded.

        Raises:
            aiohttp.ClientError: no connection, a broken one, or an invalid response.
        """
        from yarl import URL

        pooled, single_use = await self._sessions
        # Unsafe methods get a new connection: one from the pool may be closing, and an unsafe request
        # must not be repeated.
        session = pooled if method in SAFE_METHODS else single_use
        return await session.request(
            method,
            URL(self._settings.backend_url + target, encoded=True),
            headers=[(name.decode("latin-1"), header_text(value)) for name, value in headers],
            data=body or None,
            allow_redirects=False,
        )

    async def _open(self) -> tuple[ClientSession, ClientSession]:
        await asyncio.to_thread(import_module, "aiohttp")
        return self._session(), self._session(force_close=True, middlewares=(forbid_retry,))

    def _session(
        self, *, force_close: bool = False, middlewares: Sequence[ClientMiddlewareType] = ()
    ) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

        keep_alive_s = None if force_close else KEEP_ALIVE_S
        return ClientSession(
            connector=TCPConnector(limit=0, force_close=force_close, keepalive_timeout=keep_alive_s),
            timeout=ClientTimeout(total=None, sock_connect=self._settings.connect_s),
            cookie_jar=DummyCookieJar(),  # cookies belong to the clients and are never shared between them
            auto_decompress=False,
            trace_configs=metrics.pool_tracing(),
            middlewares=middlewares,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )


async def forbid_retry(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Turn the errors after which aiohttp repeats PUT and DELETE into one after which it does not."""
    from aiohttp import ClientConnectionError, ClientConnectorError, ClientOSError, ServerDisconnectedError

    try:
        return await handler(request)
    except ClientConnectorError:  # nothing was sent
        raise
    except (ClientOSError, ServerDisconnectedError) as error:
        raise ClientConnectionError(f"{type(error).__name__}: {error}") from error


def header_text(value: bytes) -> str:
    """Return a header's value as a string; aiohttp encodes it as UTF-8 again."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
