"""One backend and one gateway for all attacks; a test that needs other settings starts its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import evidence
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
    with starter(tmp_path_factory.mktemp("shop")) as start_service:
        backend = start_service(services.backend)
        yield Shop(backend=backend, gateway=start_service(services.gateway, backend))


@contextmanager
def starter(folder: Path) -> Iterator[Start]:
    """Give a function that starts a service in ``folder``; all of them are stopped at the end."""
    evidence.watch(folder)
    with ExitStack() as stack:

        def start_service(make: Callable[..., Process], *arguments: Process, **environment: str) -> Process:
            process = make(folder, *arguments, **environment)
            stack.callback(process.stop)
            process.start()
            return process

        yield start_service


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a service of this test: ``services.backend`` or ``services.gateway``."""
    with starter(tmp_path) as start_service:
        yield start_service
