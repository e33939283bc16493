"""How 500 clients that send a login's body at one byte a second change what all others get.

    python benchmarks/gateway_slow_senders.py [SECONDS]

The same load is measured without, with and without them again. A slow sender that is disconnected comes back.
"""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gateway_load import Load, Result, shop

SENDERS = 500
RATE = 40.0
CONNECTIONS = 200
HEAD = (
    b"POST /api/v1/accounts/login HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
)


def main(seconds: float) -> None:
    """Print what others got, and the ratio of their p99."""
    with shop() as gateway:
        load(gateway.port, 2)  # warm
        before = load(gateway.port, seconds / 2)
        with slow_senders(gateway.port) as returned:
            during = load(gateway.port, seconds)
        after = load(gateway.port, seconds / 2)
    show("without", before)
    show(f"with {SENDERS} slow senders ({returned()} connections were closed and came back)", during)
    show("without", after)
    without = (before.quantile(0.99) + after.quantile(0.99)) / 2
    print(f"served {served(during):.3%}; p99 {during.quantile(0.99) / without:.2f} times that without")


def load(port: int, seconds: float) -> Result:
    """Return what a steady load got."""
    return Load(port, limit=CONNECTIONS).open_loop(seconds, RATE)


def served(result: Result) -> float:
    """Return the share of requests that got a 200."""
    return len(result.taken_s.get(200, ())) / (sum(map(len, result.taken_s.values())) + result.unanswered)


def show(name: str, result: Result) -> None:
    """Print one line."""
    p50, p99 = (1000 * result.quantile(share) for share in (0.5, 0.99))
    print(f"{name}: {result.rate():.1f}/s, {served(result):.3%} served, p50 {p50:.0f} ms, p99 {p99:.0f} ms")


@contextmanager
def slow_senders(port: int) -> Iterator[Callable[[], int]]:
    """Give a function that returns how many connections came back; the senders are a process of their own."""
    stop, returned = multiprocessing.Event(), multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=_send_slowly, args=(port, stop, returned))
    process.start()
    try:
        yield lambda: int(returned.value)
    finally:
        stop.set()
        process.join()


def link_of(key: selectors.SelectorKey) -> socket.socket:
    """Return the socket that was registered."""
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


def _send_slowly(port: int, stop: Any, returned: Any) -> None:
    with selectors.DefaultSelector() as selector:
        for _ in range(SENDERS):
            _connect(port, selector)
        while not stop.is_set():
            second = time.monotonic() + 1
            for key in list(selector.get_map().values()):
                with suppress(OSError):
                    link_of(key).send(b"x")
            while not stop.is_set() and (left := second - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    with suppress(OSError):
                        if link_of(key).recv(65536):
                            continue
                    selector.unregister(key.fileobj)
                    link_of(key).close()
                    _connect(port, selector)
                    returned.value += 1


def _connect(port: int, selector: selectors.BaseSelector) -> None:
    client = socket.create_connection(("127.0.0.1", port), 30)
    client.sendall(HEAD)
    client.setblocking(False)
    selector.register(client, selectors.EVENT_READ)


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 30.0)
