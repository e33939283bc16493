"""What the local engine runs for an ``image:``: real servers of this machine, no container."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stack.engines.local import accounts
from stack.errors import NotRunnable
from stack.plan import images

if TYPE_CHECKING:  # a backup asks for pg_dump alone, and half of the engine comes with them
    from stack.engines.local.launch import Launch
    from stack.engines.local.server_spec import ServerSpec
    from stack.plan.addresses import Addresses
    from stack.plan.service_plan import ServicePlan


class Runner(Protocol):
    """Knows how to run one kind of server."""

    def require_here(self) -> None:
        """Check that the server is here, or can be installed.

        Raises:
            ServerMissing: it is not, and cannot.
        """
        ...

    def account(self) -> str | None:
        """Return the account that the server runs as; None for the caller's own."""
        ...

    def prepare(self, spec: ServerSpec) -> Launch:
        """Do all that must be done before the server can start; return what to execute."""
        ...


def runner(image: str, addresses: Addresses | None = None) -> Runner:
    """Return what runs ``image`` here; ``addresses`` are those of services that share one network.

    Raises:
        NotRunnable: nothing does.
    """
    from stack.engines.local.postgres import PostgresRunner
    from stack.engines.local.prometheus import PrometheusRunner
    from stack.engines.local.redis import RedisRunner

    reference = images.parse_reference(image)
    match images.server_kind(image):
        case "postgres":
            return PostgresRunner(tag=reference.tag)
        case "redis":
            return RedisRunner(prefers="valkey" if reference.name == "valkey" else "redis")
        case "prometheus":
            return PrometheusRunner(addresses=addresses or {})
    raise NotRunnable(
        f"The local engine cannot run the image {image!r}: it knows Python, Node.js, plain systems, "
        "Postgres, Redis, Valkey and Prometheus.",
        hint="Say what runs in its place with x-local, or use a container engine (--engine docker).",
    )


def account_of(plan: ServicePlan) -> str | None:
    """Return the account that a service runs as; None for the caller's own, who is not root.

    Raises:
        NotRunnable: there is none.
    """
    image = plan.runner_image or ""
    is_known = plan.runs_server and images.server_kind(image)
    return runner(image).account() if is_known else accounts.unprivileged()


def programs(image: str) -> tuple[Path, ...]:
    """Return the folders of the programs that belong to the server of an image; none where it has none.

    Raises:
        ServerMissing: there are no programs of the image's version.
    """
    from stack.engines.local import binaries

    match images.server_kind(image):
        case "postgres":
            return (binaries.postgres_bin(images.major_version(images.parse_reference(image).tag)),)
        case "redis":
            return (binaries.redis_server().parent,)
    return ()


def client(image: str, program: str) -> str | None:
    """Return the path of a client program (``psql``, ``pg_dump``) that belongs to the image's server.

    Raises:
        ServerMissing: there are no programs of the image's version.
    """
    from stack.engines.local.binaries import postgres_bin

    if images.server_kind(image) != "postgres":
        return None
    path = postgres_bin(images.major_version(images.parse_reference(image).tag)) / program
    return str(path) if path.is_file() else None
