from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.display import config
from stack.errors import DependencyCycle, NotRunnable, UnknownService
from stack.model import Build, Dependency, Healthcheck, LocalHints, Port, Service, Stack
from stack.plan import plan, ports
from stack.plan.plan import Plan


def service(name: str, *needs: str, **values: object) -> Service:
    return Service(name=name, depends_on=tuple(Dependency(service=n) for n in needs), **values)  # type: ignore[arg-type]


def stack(*services: Service, **endpoints: str) -> Stack:
    return Stack(
        name="shop",
        files=(),
        directory=Path("/w"),
        services={s.name: s for s in services},
        endpoints=endpoints,
    )


def make(described: Stack, engine: str = "local", **table: dict[int, int]) -> Plan:
    return plan.make(
        described, name="shop", engine=engine, services=described.services, ports=table, folders={}
    )


def test_each_service_comes_after_what_it_needs() -> None:
    planned = plan.order({s.name: s for s in (service("c", "b"), service("b", "a"), service("a"))})
    assert planned == ("a", "b", "c")


def test_services_have_the_time_to_end_of_all_that_wait_for_each_other() -> None:
    services = [
        service("db", stop_grace_period_s=10.0),
        service("web", "db", stop_grace_period_s=20.0),
        service("worker", "db", stop_grace_period_s=30.0),
        service("alone", stop_grace_period_s=25.0),
    ]
    assert make(stack(*services)).grace_s() == 40.0
    assert make(stack()).grace_s() == 0.0


def test_a_record_of_a_plan_names_what_a_service_needs_not_what_it_can_do_without() -> None:
    optional = Dependency(service="receiver", required=False)
    web = Service(name="web", depends_on=(Dependency(service="db"), optional))
    described = config.describe_plan(make(stack(web, service("db"), service("receiver"))))
    assert json.loads(described)["services"]["web"]["needs"] == {"db": "service_started"}


def test_a_circle_is_named() -> None:
    with pytest.raises(DependencyCycle, match=r"a -> b -> a|b -> a -> b"):
        plan.order({s.name: s for s in (service("a", "b"), service("b", "a"))})


def test_a_wanted_service_brings_what_it_needs_and_nothing_else() -> None:
    described = stack(service("a"), service("b", "a"), service("c"))
    assert list(plan.select(described, ["b"])) == ["a", "b"]
    assert list(plan.select(described, [])) == ["a", "b", "c"]


def test_a_service_of_which_there_shall_be_none_is_left_out_but_not_what_it_needs() -> None:
    described = stack(service("a"), service("none", "a", replicas=0), service("c", "none"))
    assert list(plan.select(described, ["c"])) == ["a", "c"]
    assert plan.order(plan.select(described, [])) == ("a", "c")


def test_an_unknown_service_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownService, match="'z' in shop") as caught:
        plan.select(stack(service("a"), service("b")), ["z"])
    assert caught.value.hint == "Services: a, b."


@pytest.mark.parametrize("engine", ["docker", "local"])
def test_a_port_that_is_published_several_times_is_one_of_the_container(engine: str) -> None:
    twice = service("web", ports=(Port(target=80, published=8000), Port(target=80, published=9000)))
    described = stack(twice)
    assert ports.targets(described, described.services, engine=engine) == {"web": (80,)}


def test_of_a_local_process_no_port_of_udp_is_published() -> None:
    described = stack(service("dns", ports=(Port(target=53, protocol="udp"), Port(target=80))))
    targets = {
        each: ports.targets(described, described.services, engine=each) for each in ("local", "docker")
    }
    assert targets == {"local": {"dns": (80,)}, "docker": {"dns": (53, 80)}}


def test_containers_publish_what_is_published_and_processes_whatever_is_spoken_of() -> None:
    described = stack(
        service("web", environment={"DB": "postgres://db:5432"}, ports=(Port(target=80),)),
        service("db", expose=(9,)),
        WEB="http://web:81",
    )
    assert ports.targets(described, described.services, engine="docker") == {"web": (80,), "db": ()}
    assert ports.targets(described, described.services, engine="local") == {"web": (80, 81), "db": (9, 5432)}


def test_a_store_that_publishes_nothing_has_a_port_of_its_own_on_the_local_engine() -> None:
    described = stack(service("cache", image="valkey/valkey:8"), service("db", image="postgres:15"))
    assert ports.targets(described, described.services, engine="local") == {"cache": (6379,), "db": (5432,)}
    assert ports.targets(described, described.services, engine="docker") == {"cache": (), "db": ()}


def test_a_service_is_reached_by_its_aliases_too() -> None:
    web = service("web", environment={"DB": "postgres://main-db:5432/x"}, local=LocalHints(command=("run",)))
    db = service("db", hostnames=("main-db",), local=LocalHints(command=("run",)))
    described = stack(web, db)
    assert ports.targets(described, described.services, engine="local") == {"web": (), "db": (5432,)}
    result = make(described, db={5432: 20001})
    assert result.services["web"].environment["DB"] == "postgres://127.0.0.1:20001/x"


def test_a_local_service_is_told_its_address_and_those_of_others() -> None:
    web = service(
        "web",
        environment={"DB": "postgres://db:5432/x"},
        local=LocalHints(command=("serve", "0.0.0.0:80"), environment={"EXTRA": "1"}),
        healthcheck=Healthcheck(test=("CMD", "curl", "http://localhost:80/health")),
    )
    result = make(stack(web, service("db"), WEB="http://web:80"), web={80: 20001}, db={5432: 20002})
    planned = result.services["web"]
    assert planned.argv == ("serve", "127.0.0.1:20001")
    assert planned.healthcheck == ("CMD", "curl", "http://127.0.0.1:20001/health")
    assert planned.environment == {
        "DB": "postgres://127.0.0.1:20002/x", "EXTRA": "1", "HOST": "127.0.0.1", "PORT": "20001",
    }  # fmt: skip
    assert result.endpoints == {"WEB": "http://127.0.0.1:20001"}


def test_a_container_keeps_the_names_and_is_probed_from_outside() -> None:
    check = Healthcheck(test=("CMD", "curl", "http://localhost:80/"))
    web = service("web", environment={"DB": "db:5432"}, healthcheck=check)
    planned = make(stack(web, service("db")), "docker", web={80: 20001}, db={5432: 2}).services["web"]
    assert planned.environment == {"DB": "db:5432"}
    assert planned.healthcheck == ("CMD", "curl", "http://127.0.0.1:20001/")
    assert planned.executed == check.test


def test_the_command_is_that_of_compose_over_that_of_the_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM a\nENTRYPOINT ["start"]\nCMD ["one"]\nENV A=1\n')
    build = Build(context=tmp_path)
    described = stack(
        service("plain", build=build),
        service("said", build=build, command=("two",)),
        service("other", build=build, entrypoint=("go",)),
    )
    result = make(described).services
    assert [result[name].argv for name in ("plain", "said", "other")] == [
        ("start", "one"),
        ("start", "two"),
        ("go",),
    ]
    assert result["plain"].cwd == tmp_path
    assert result["plain"].environment["A"] == "1"


def test_a_working_dir_below_a_mount_is_the_folder_that_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    web = service("web", working_dir="/code/src", local=LocalHints(command=("run",)))
    folders = {"web": {"/code": str(tmp_path)}}
    result = plan.make(stack(web), name="s", engine="local", services={"web": web}, ports={}, folders=folders)
    assert result.services["web"].cwd == tmp_path / "src"


def test_a_command_of_this_machine_runs_in_the_folder_of_the_compose_file() -> None:
    described = stack(
        service("web", image="odd:1", local=LocalHints(command=("run",))), service("db", image="postgres:15")
    )
    result = make(described).services
    assert (result["web"].cwd, result["db"].cwd) == (described.directory, Path("/"))


def test_a_service_without_any_command_is_not_runnable_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    with pytest.raises(NotRunnable, match=r"services\.web: its command is that of its base image a, which"):
        plan.require_runnable(make(stack(service("web", build=Build(context=tmp_path)))))


def test_only_a_service_whose_end_is_waited_for_is_a_job() -> None:
    waits = Dependency(service="job", condition="service_completed_successfully")
    result = make(stack(service("job"), Service(name="web", depends_on=(waits,)))).services
    assert (result["job"].awaited, result["web"].awaited) == (True, False)


def test_a_job_is_not_judged_by_a_check_that_its_image_has_for_the_service() -> None:
    waits = Dependency(service="job", condition="service_completed_successfully")
    healthy = Dependency(service="job", condition="service_healthy")
    job = service("job", healthcheck=Healthcheck(test=("CMD", "curl", "http://localhost/")))
    (planned, *_) = make(stack(job, Service(name="web", depends_on=(waits,)))).services.values()
    assert planned.service.healthcheck is None
    both = stack(job, Service(name="web", depends_on=(waits,)), Service(name="ui", depends_on=(healthy,)))
    assert make(both).services["job"].service.healthcheck is not None


def test_a_plan_is_shown_without_its_secrets() -> None:
    web = service("web", environment={"DB_PASSWORD": "s3cret", "URL": "redis://:s3cret@db:1"})
    text = config.describe_plan(make(stack(web, DB="postgres://u:s3cret@db:5432/x")))
    assert "s3cret" not in text
    assert json.loads(text)["services"]["web"]["environment"]["DB_PASSWORD"] == "***"


def test_a_service_with_a_network_of_its_own_keeps_names_and_ports() -> None:
    web = service(
        "web",
        environment={"DB_HOST": "db", "DB_URL": "postgres://postgres:1234@db:5432/x", "HOST": "::"},
        local=LocalHints(command=("serve", "0.0.0.0:80")),
        healthcheck=Healthcheck(test=("CMD", "curl", "http://localhost:80/")),
        ports=(Port(target=80),),
    )
    described = stack(web, service("db", image="postgres:15"), WEB="http://web:80")
    table: dict[str, dict[int, int]] = {"web": {80: 20001}, "db": {5432: 20002}}
    result = plan.make(
        described,
        name="s",
        engine="local",
        services=described.services,
        ports=table,
        folders={},
        networks=True,
    )
    planned = result.services["web"]
    assert (planned.argv, planned.network) == (("serve", "0.0.0.0:80"), "own")
    assert planned.environment == {
        "DB_HOST": "db", "DB_URL": "postgres://postgres:1234@db:5432/x", "HOST": "::", "PORT": "80",
    }  # fmt: skip
    assert planned.healthcheck == ("CMD", "curl", "http://localhost:80/")
    assert result.endpoints == {"WEB": "http://127.0.0.1:20001"}
    assert planned.listens() == (80,)
