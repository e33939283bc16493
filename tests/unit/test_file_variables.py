"""What the official images take from a file: secrets, configs and mounted files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from stack.errors import ComposeError
from stack.health import checks
from stack.health.postgres_probe import PostgresProbe
from stack.model import FileGrant, Healthcheck, Mount, Service
from stack.plan import file_variables
from stack.plan.plan import ServicePlan

PASSWORD = {"POSTGRES_PASSWORD_FILE": "/run/secrets/pw"}


def database(**values: object) -> Service:
    return Service(name="db", image="postgres:15", environment=PASSWORD, **values)  # type: ignore[arg-type]


def password_of(service: Service, folders: Mapping[str, str] | None = None) -> str:
    plan = ServicePlan(
        service=service, argv=(), environment={}, ports={}, cwd=Path("/"), folders=folders or {}
    )
    return file_variables.read(plan, "POSTGRES_PASSWORD")


def test_a_variable_itself_is_its_value() -> None:
    assert password_of(Service(name="db", environment={"POSTGRES_PASSWORD": "own"})) == "own"
    assert password_of(Service(name="db")) == ""


def test_a_secret_is_read_from_its_file_or_its_content(tmp_path: Path) -> None:
    (tmp_path / "pw.txt").write_text("s3cret\n")
    for source in ({"file": tmp_path / "pw.txt"}, {"content": "s3cret"}):
        grant = FileGrant(kind="secret", name="pw", target="/run/secrets/pw", **source)  # type: ignore[arg-type]
        assert password_of(database(files=(grant,))) == "s3cret"


def test_a_mounted_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    mount = Mount(type="bind", source=str(tmp_path), target="/run/secrets")
    assert password_of(database(mounts=(mount,))) == "s3cret"


def test_a_file_in_a_named_volume_is_read_where_its_folder_is_known(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    mount = Mount(type="volume", source="secrets", target="/run/secrets")
    assert password_of(database(mounts=(mount,)), {"/run/secrets": str(tmp_path)}) == "s3cret"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (PASSWORD, r"POSTGRES_PASSWORD_FILE cannot be read \(No such file or directory: /run/secrets/pw\)"),
        (
            {**PASSWORD, "POSTGRES_PASSWORD": "own"},
            "both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set",
        ),
    ],
)
def test_a_server_is_not_made_without_what_its_file_says(environment: dict[str, str], said: str) -> None:
    service = Service(name="db", environment=environment)
    with pytest.raises(ComposeError, match=said):
        file_variables.require(service, "POSTGRES_PASSWORD", {})


def test_a_file_that_cannot_be_read_is_no_value() -> None:
    assert password_of(database()) == ""


@pytest.mark.parametrize("network", ["own", "shared"])
def test_postgres_is_asked_with_the_password_of_its_secret(network: str) -> None:
    grant = FileGrant(kind="secret", name="pw", target="/run/secrets/pw", content="s3cret")
    check = Healthcheck(test=("CMD", "pg_isready"))
    plan = ServicePlan(
        service=database(files=(grant,), healthcheck=check),
        argv=(),
        environment={},
        ports={5432: 20001},
        cwd=Path("/"),
        healthcheck=check.test,
        executed=check.test,
        network=network,  # type: ignore[arg-type]
    )

    async def execute(argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        return 0, ""

    probe = checks.choose(plan, execute)
    assert isinstance(probe, PostgresProbe)
    assert (probe.password, probe.user, probe.database) == ("s3cret", "postgres", "postgres")
