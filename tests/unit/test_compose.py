"""What the loader promises, on top of agreeing with Docker Compose (see test_compose_differential)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_compose_case import DB, Case, load, one, service, two

from stack import compose
from stack.errors import ComposeError, InvalidOption
from stack.model import Healthcheck, LocalHints, Mount, Port, seconds
from stack.system.directories import ROOT

COMPOSE = ROOT / "compose"


@pytest.mark.parametrize(
    ("text", "environment", "port"),
    [
        ("127.0.0.1:${P:-8000}:80", {}, Port(target=80, published=8000)),
        ("127.0.0.1:${P:-8000}:80", {"P": ""}, Port(target=80, published=8000)),
        ("127.0.0.1:${P:-8000}:80", {"P": "9"}, Port(target=80, published=9, fixed=True)),
        ("127.0.0.1:${P:-${Q}}:80", {"Q": "9"}, Port(target=80, published=9, fixed=True)),
        ("127.0.0.1:${P:-${Q:-7}}:80", {}, Port(target=80, published=7)),
        ("8000:80", {"P": "9"}, Port(target=80, published=8000)),
        ("127.0.0.1::80", {}, Port(target=80)),
        ("0.0.0.0:1:80/udp", {}, Port(target=80, published=1, host_ip="0.0.0.0", protocol="udp")),
    ],
)
def test_a_port_is_fixed_where_a_variable_that_is_set_chose_it(
    text: str, environment: dict[str, str], port: Port, tmp_path: Path
) -> None:
    case = one("", f"ports: ['{text}']", **environment)
    assert load(case, tmp_path).services["web"].ports == (port,)


def test_a_long_port_is_fixed_too(tmp_path: Path) -> None:
    case = one("", "ports: [{target: 80, published: '${P:-1}'}]", P="9")
    assert load(case, tmp_path).services["web"].ports == (Port(target=80, published=9, fixed=True),)


def test_the_environment_wins_over_the_env_file_and_that_over_dot_env(tmp_path: Path) -> None:
    files = {
        "compose.yml": service("command: [$A, $B, $C]"),
        ".env.local": "A=local\nB=local\n",
        ".env": "A=dot\nB=dot\nC=dot\n",
    }
    stack = load(Case(name="", files=files, environment={"A": "outside"}), tmp_path, env_file=".env.local")
    assert stack.services["web"].command == ("outside", "local", "dot")


def test_an_absent_env_file_changes_nothing(tmp_path: Path) -> None:
    assert load(one("", "user: '${A:-x}'"), tmp_path, env_file=".env.local").services["web"].user == "x"


def test_a_given_name_wins_and_names_networks_and_volumes(tmp_path: Path) -> None:
    case = one(
        "", "networks: [a, b]", below="name: other\nnetworks: {a: , b: {name: real}}\nvolumes: {v: }\n"
    )
    stack = load(case, tmp_path, name="mine")
    assert (stack.name, stack.networks, stack.volumes) == (
        "mine",
        {"a": "mine_a", "b": "real"},
        {"v": "mine_v"},
    )


def test_a_health_check_has_the_defaults_of_the_specification(tmp_path: Path) -> None:
    check = load(one("", "healthcheck: {test: a b}"), tmp_path).services["web"].healthcheck
    assert check == Healthcheck(test=("CMD-SHELL", "a b"))


def test_local_hints_are_read_and_their_folder_starts_at_the_project(tmp_path: Path) -> None:
    case = one("", "x-local: {command: run 'a b', python: '3.13', working_dir: ../x, environment: [A=1]}")
    assert load(case, tmp_path).services["web"].local == LocalHints(
        command=("run", "a b"), python="3.13", working_dir=tmp_path.parent / "x", environment={"A": "1"}
    )


def test_a_second_file_replaces_the_local_command_and_adds_to_its_environment(tmp_path: Path) -> None:
    first = ["x-local: {command: [a, b], environment: {A: 1, B: 2}}"]
    case = two("", first, ["x-local: {command: [c], environment: [B=3]}"])
    local = load(case, tmp_path).services["web"].local
    assert (local.command, local.environment) == (("c",), {"A": "1", "B": "3"})


def test_an_alias_of_a_link_is_a_name_of_the_service_that_it_leads_to(tmp_path: Path) -> None:
    services = load(one("", "links: [db, 'db:database', 'db:web']", below=DB), tmp_path).services
    assert (services["db"].hostnames, services["web"].hostnames) == (("database",), ())


def test_a_volume_that_binds_a_folder_is_that_folder(tmp_path: Path) -> None:
    options = "driver_opts: {type: none, o: 'bind,rw', device: ./data}"
    foreign = f"{{driver: x, {options}}}"
    volumes = f"  bound: {{{options}}}\n  foreign: {foreign}\n  nfs: {{driver_opts: {{type: nfs}}}}\n"
    case = one("", "volumes: ['bound:/b:ro', 'foreign:/f', 'nfs:/n']", below=f"volumes:\n{volumes}")
    mounts = load(case, tmp_path).services["web"].mounts
    assert [(mount.type, mount.source, mount.read_only) for mount in mounts] == [
        ("bind", str(tmp_path / "data"), True),
        ("volume", "foreign", False),
        ("volume", "nfs", False),
    ]


def test_the_volumes_and_networks_that_exist_outside_of_the_project_are_known(tmp_path: Path) -> None:
    below = (
        "volumes: {data: , shared: {external: 'true'}}\nnetworks: {a: , proxy: {external: {name: real}}}\n"
    )
    case = one("", "volumes: ['data:/d', 'shared:/s', './shared:/x']", "networks: [a, proxy]", below=below)
    assert load(case, tmp_path).services["web"].external == ("shared", "proxy")


def test_of_a_volume_a_folder_can_be_mounted(tmp_path: Path) -> None:
    entry = "{type: volume, source: data, target: /d, volume: {subpath: ./a/b}}"
    case = one("", f"volumes: [{entry}]", below="volumes: {data: {}}")
    (mount,) = load(case, tmp_path).services["web"].mounts
    assert mount == Mount(type="volume", target="/d", source="data", subpath="a/b")


@pytest.mark.parametrize(
    "line", ["tmpfs: '/t:size=64k,mode=700'", "volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m}}]"]
)
def test_a_tmpfs_with_a_size_is_known(tmp_path: Path, line: str) -> None:
    assert load(one("", line), tmp_path).services["web"].mounts == (
        Mount(type="tmpfs", target="/t", limited=True),
    )


def test_an_empty_target_of_a_build_is_none(tmp_path: Path) -> None:
    build = load(one("", "build: {context: ., target: '${STAGE:-}'}"), tmp_path).services["web"].build
    assert build is not None
    assert build.target is None


def test_an_optional_dependency_that_is_not_active_is_left_out(tmp_path: Path) -> None:
    entry = "depends_on: {db: {condition: service_started, required: false}}"
    assert load(one("", entry, below=DB + "    profiles: [p]\n"), tmp_path).services["web"].depends_on == ()


def yaml_keys(path: Path) -> list[str]:
    """The services of a file of ours, in the order in which they are written."""
    body = path.read_text(encoding="utf-8").partition("\nservices:\n")[2].partition("\nnetworks:")[0]
    return re.findall(r"^  ([a-z-]+):$", body, re.MULTILINE)


@pytest.mark.parametrize("name", ["local", "ci"])
def test_our_own_stacks_load_in_file_order(name: str) -> None:
    stack = compose.load(COMPOSE / f"docker-compose.{name}.yml", environment={}, profiles=("*",))
    written = yaml_keys(COMPOSE / f"docker-compose.{name}.yml")
    assert [*stack.services] == written
    assert all(port.host_ip == "127.0.0.1" for each in stack.services.values() for port in each.ports)
    assert all(each.healthcheck for each in stack.services.values() if not each.optional)


def test_our_data_folder_has_the_name_that_people_know() -> None:
    stack = compose.load(COMPOSE / "docker-compose.local.yml", environment={})
    assert stack.volumes["postgres-data"] == "ecommerce-postgres-data"
    assert stack.networks == {"app-network": "ecommerce-local-network"}
    assert Mount(type="volume", target="/var/lib/postgresql/data", source="postgres-data") in (
        stack.services["postgres"].mounts
    )


def test_importing_the_loader_imports_no_yaml() -> None:
    code = "import sys, stack.compose; sys.exit('yaml' in sys.modules)"
    root = ROOT
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250ms", 0.25), ("1m30s", 90), ("1.5h", 5400), ("2d", 172_800), ("10us", 1e-5), ("-1s", -1), ("0", 0)],
)
def test_a_duration_is_read_in_seconds(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "30", "soon", "1", "s", "1x", "1s2", " 1s", "."])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


def test_naming_a_service_activates_its_profiles(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(
        "services: {web: {image: a}, tool: {image: b, profiles: [p]}, mate: {image: c, profiles: [p]}, "
        "other: {image: d, profiles: [q]}}\n"
    )
    assert set(compose.load(tmp_path / "compose.yml", targets=["tool"]).services) == {"web", "tool", "mate"}


def test_a_profile_that_no_service_has_is_refused_where_a_person_names_it(tmp_path: Path) -> None:
    case = one("", below="  tool: {image: x, profiles: [tools, ci]}\n")
    load(case, tmp_path)
    file = tmp_path / "compose.yml"
    with pytest.raises(InvalidOption, match="No service has the profile 'tool'") as caught:
        compose.load(file, environment={}, profiles=("ci", "tool"))
    assert caught.value.hint == "Profiles: ci, tools."
    assert set(compose.load(file, environment={"COMPOSE_PROFILES": "tool"}).services) == {"web"}
    assert set(compose.load(file, environment={}, profiles=("*",)).services) == {"web", "tool"}


def test_a_reset_beside_an_include_takes_away_what_its_service_extends(tmp_path: Path) -> None:
    (tmp_path / "other.yml").write_text("services: {i: {image: y}}\n")
    own = "services: {a: {image: x, ports: ['1']}, b: {extends: a, ports: !reset []}}\n"
    text = f"include: [other.yml]\n{own}"
    (tmp_path / "compose.yml").write_text(text)
    services = compose.load(tmp_path / "compose.yml", environment={}).services
    assert [len(services[name].ports) for name in ("a", "b", "i")] == [1, 0, 0]


@pytest.mark.parametrize("environment", ["[V, W, X=1]", "{V: , W: , X: 1}"])
def test_a_variable_without_a_value_has_that_of_the_env_file_of_its_include(
    tmp_path: Path, environment: str
) -> None:
    (tmp_path / "one.env").write_text("V=one\n")
    (tmp_path / "other.yml").write_text(f"services: {{i: {{image: y, environment: {environment}}}}}\n")
    text = "include: [{path: other.yml, env_file: one.env}]\nservices: {a: {image: x, environment: [V]}}\n"
    (tmp_path / "compose.yml").write_text(text)
    services = compose.load(tmp_path / "compose.yml", environment={}).services
    assert services["i"].environment == {"V": "one", "X": "1"}
    assert services["a"].environment == {}


def test_an_optional_dependency_has_to_be_defined(tmp_path: Path) -> None:
    case = one("", "depends_on: {absent: {condition: service_started, required: false}}")
    with pytest.raises(ComposeError, match=r"depends_on\.absent: undefined service absent"):
        load(case, tmp_path)


@pytest.mark.parametrize("environment", ["[A, B]", "{A: , B: }"])
def test_a_variable_without_a_value_anywhere_is_not_set_by_an_env_file(
    tmp_path: Path, environment: str
) -> None:
    (tmp_path / "a.env").write_text("A=file\nB=file\nC=file\n")
    case = one("", "env_file: a.env", f"environment: {environment}", B="shell")
    assert load(case, tmp_path).services["web"].environment == {"B": "shell", "C": "file"}
