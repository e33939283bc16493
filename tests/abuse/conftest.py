"""One backend and one gateway for all attacks; a test that needs other settings starts its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from abuse import services
from abuse.services import Process

Start = Callable[..., Process]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The services of one running shop."""

    backend: Process
    gateway: Process


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with the settings of the CI stack."""
    folder = tmp_path_factory.mktemp("shop")
    with ExitStack() as stack:
        backend = services.backend(folder)
        stack.callback(backend.stop)
        backend.start()
        gateway = services.gateway(folder, backend)
        stack.callback(gateway.stop)
        gateway.start()
        yield Shop(backend=backend, gateway=gateway)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a service of this test: ``services.backend`` or ``services.gateway``."""
    with ExitStack() as stack:

        def start_service(make: Callable[..., Process], *arguments: Process, **environment: str) -> Process:
            process = make(tmp_path, *arguments, **environment)
            stack.callback(process.stop)
            process.start()
            return process

        yield start_service
