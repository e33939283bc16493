"""References between services that are probably a mistake are warned of by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import compose
from stack.model import Build, Dependency, Healthcheck, Port, Service, Stack
from stack.plan.references import warnings
from stack.system.directories import ROOT

DB = Service(name="db", image="postgres:15")
API = Service(name="api", ports=(Port(target=8000),))


def web(*needs: str, check: str = "", **environment: str) -> Service:
    return Service(
        name="web",
        environment=environment,
        ports=(Port(target=80),),
        depends_on=tuple(Dependency(service=need) for need in needs),
        healthcheck=Healthcheck(test=("CMD-SHELL", check)) if check else None,
    )


def warnings_of(*services: Service, **endpoints: str) -> tuple[str, ...]:
    table = {service.name: service for service in services}
    stack = Stack(name="s", files=(), directory=Path("/w"), services=table, endpoints=endpoints)
    return warnings(stack, table)


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "METRICS_TARGETS"])
def test_who_is_sent_telemetry_or_asked_for_it_may_start_later(variable: str) -> None:
    assert warnings_of(web(**{variable: "db=http://db:5432/metrics"}), DB) == ()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "postgres://u:p@db:5432/x"),
        ("DATABASE_URL", "postgres://db/x"),
        ("DB_HOST", "db"),
        ("BROKERS", "db:5432"),
    ],
)
def test_a_service_that_another_refers_to_and_does_not_wait_for_is_named(variable: str, value: str) -> None:
    (sentence,) = warnings_of(web(**{variable: value}), DB)
    assert sentence == (
        f"services.web: environment.{variable} refers to db, which its depends_on does not name: "
        "db may start later"
    )


def test_a_dependency_may_be_that_of_a_dependency() -> None:
    api = Service(name="api", depends_on=(Dependency(service="db"),))
    assert warnings_of(web("api", DB_HOST="db"), api, DB) == ()


def test_a_service_that_waits_for_the_one_that_refers_to_it_cannot_come_first() -> None:
    api = Service(name="api", depends_on=(Dependency(service="web"),))
    assert warnings_of(web(CALLBACK="http://api/"), api) == ()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PASSWORD", "db:1234x"),
        ("IMAGE", "db:7"),
        ("DB_NAME", "db"),
        ("URL", "https://example.com:8443/"),
        ("OWN", "http://localhost:9999/"),
        ("MACHINE", "http://host.docker.internal:3000/"),
        ("ADDRESS", "http://10.0.0.1:80/"),
        ("STATIC_URL", "/static/"),
        ("REV_SERVER", "true"),
    ],
)
def test_what_is_no_reference_is_not_warned_of(variable: str, value: str) -> None:
    assert warnings_of(web(**{variable: value}), DB) == ()


def test_a_port_that_a_service_does_not_have_is_named_with_those_it_has() -> None:
    assert warnings_of(web("db", "api", API="http://api:8080/x", DB="postgres://db:5433/x"), API, DB) == (
        "environment.API refers to port 8080 of api, which has 8000",
        "environment.DB refers to port 5433 of db, which has 5432",
    )


def test_the_ports_of_a_service_that_says_none_are_not_known() -> None:
    assert warnings_of(web("api", API="http://api:8080/"), Service(name="api", image="api")) == ()


def test_a_service_in_the_network_of_another_has_its_ports_and_no_name() -> None:
    proxy = Service(name="proxy", network_mode="service:api", expose=(9000,))
    assert warnings_of(web("api", A="http://api:9000/", B="http://api:81/"), API, proxy) == (
        "environment.B refers to port 81 of api, which has 8000, 9000",
    )
    (sentence,) = warnings_of(web("proxy", API="http://proxy:8000/"), API, proxy)
    assert sentence == (
        "environment.API refers to proxy, which has no name in any network: it is in that of api, "
        "as which it is reached"
    )


def test_services_that_join_each_other_in_a_circle_are_asked_once() -> None:
    one, two = (Service(name=name, network_mode=f"service:{other}") for name, other in ("ab", "ba"))
    assert warnings_of(one, two) == ()


def test_a_port_that_a_dockerfile_exposes_is_known(tmp_path: Path) -> None:
    build = Build(context=tmp_path, dockerfile_text="FROM a\nEXPOSE 5000\n")
    (sentence,) = warnings_of(web("api", API="http://api:8080/"), Service(name="api", build=build))
    assert sentence.endswith("of api, which has 5000")


def test_a_name_that_no_service_has_is_named_with_the_nearest() -> None:
    assert warnings_of(web(DB="postgres://dbb:5432/x", CACHE="redis://store:6379"), DB) == (
        "environment.DB refers to dbb, which is no service; did you mean db?",
        "environment.CACHE refers to store, which is no service",
    )


def test_another_name_of_a_service_is_a_name() -> None:
    db = Service(name="db", image="postgres:15", hostnames=("store",))
    assert warnings_of(web("db", DB="postgres://store:5432/x"), db) == ()


def test_an_extra_host_is_a_name() -> None:
    service = Service(name="web", environment={"A": "http://store:80/"}, extra_hosts={"store": ("::1",)})
    assert warnings_of(service) == ()


def test_endpoints_and_health_checks_are_looked_at_too() -> None:
    service = web(check="curl -f http://localhost:81/health || exit 1")
    assert warnings_of(service, WEB="http://web:8080", API="http://apy:80") == (
        "services.web: healthcheck.test refers to port 81 of web, which has 80",
        "x-endpoints.WEB refers to port 8080 of web, which has 80",
        "x-endpoints.API refers to apy, which is no service",
    )


@pytest.mark.parametrize("profiles", [(), ("*",)])
@pytest.mark.parametrize("name", ["local", "ci"])
def test_our_own_stacks_have_none(name: str, profiles: tuple[str, ...]) -> None:
    """A service of a profile that is not active is a service all the same."""
    stack = compose.load(ROOT / "compose" / f"docker-compose.{name}.yml", environment={}, profiles=profiles)
    assert warnings(stack, stack.services) == ()


def test_the_host_of_a_request_to_a_socket_is_no_service() -> None:
    assert warnings_of(web(check="curl --unix-socket /run/app.sock http://app:1/health")) == ()
