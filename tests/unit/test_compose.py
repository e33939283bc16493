"""What the loader promises, on top of agreeing with Docker Compose (see test_compose_differential)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_compose_case import DB, Case, one, service, two, whole

from stack import compose
from stack.durations import seconds
from stack.errors import ComposeError, VariableMissing
from stack.model import Healthcheck, LocalHints, Mount, Port, Stack
from stack.system.directories import ROOT

COMPOSE = ROOT / "compose"
REFUSED = {
    "no file": (Case(name="", files={}), "compose.yml: no such file."),
    "a key twice": (
        whole("", service("user: a", "user: b")),
        "compose.yml, line 5, column 5: duplicate key user, first given on line 4.",
    ),
    "a number as key": (
        one("", "environment: {1: a}"),
        "compose.yml, line 4, column 19: a key must be a string: quote 1.",
    ),
    "an unknown key": (
        one("", "healtcheck: {}"),
        "compose.yml: services.web.healtcheck: unknown key; did you mean healthcheck?",
    ),
    "an unknown key below": (
        one("", "healthcheck: {tests: x}"),
        "compose.yml: services.web.healthcheck.tests: unknown key; did you mean test?",
    ),
    "an unknown top key": (
        one("", below="servces: {}\n"),
        "compose.yml: servces: unknown key; did you mean services?",
    ),
    "an unknown hint": (
        one("", "x-local: {comand: x}"),
        "compose.yml: services.web.x-local.comand: unknown key; did you mean command?",
    ),
    "a wrong type": (
        one("", "user: 5"),
        "compose.yml: services.web.user: must be a string, not the number 5",
    ),
    "a wrong type in a list": (
        one("", "command: [a, 1]"),
        "compose.yml: services.web.command[1]: must be a string, not the number 1",
    ),
    "one of two types": (
        one("", "environment: x"),
        "compose.yml: services.web.environment: must be a mapping or a list, not the string 'x'",
    ),
    "a mistake in the second file": (
        two("", ["user: a"], ["usr: b"]),
        "over.yml: services.web.usr: unknown key; did you mean user?",
    ),
    "a type that cannot be merged": (
        two("", ["environment: {A: 1}"], ["environment: text"]),
        "over.yml: services.web.environment: must be a mapping or a list, not the string 'text'",
    ),
    "a mistake in an extended file": (
        whole(
            "",
            "services: {web: {extends: {file: base.yml, service: a}}}",
            base_yml="services: {a: {image: i, usr: x}}",
        ),
        "base.yml: services.a.usr: unknown key; did you mean user?",
    ),
    "a duration without a unit": (
        one("", "stop_grace_period: '30'"),
        "compose.yml: services.web.stop_grace_period: '30' is not a duration such as 1m30s or 250ms",
    ),
    "an undefined network": (
        one("", "networks: [a]"),
        "compose.yml: services.web.networks: undefined network a",
    ),
    "an undefined volume": (
        one("", "volumes: ['data:/d']"),
        "compose.yml: services.web.volumes: undefined volume data",
    ),
    "an undefined service": (
        one("", "depends_on: [db]"),
        "compose.yml: services.web.depends_on.db: undefined service db",
    ),
    "an inactive service": (
        one("", "depends_on: [db]", below=DB + "    profiles: [p]\n"),
        "compose.yml: services.web.depends_on.db: the service db has a profile that is not active",
    ),
    "nothing to run": (
        whole("", "services: {web: {user: a}}"),
        "compose.yml: services.web: has neither an image nor a build",
    ),
    "a port": (one("", "ports: ['a:80']"), "services.web.ports[0]: 'a' is not a port or a range of ports"),
    "a mount with too many colons": (
        one("", "volumes: ['a:/b:ro:x']"),
        "services.web.volumes[0]: 'a:/b:ro:x' has too many colons",
    ),
    "a target mounted twice": (
        one("", "tmpfs: /b", "volumes: ['./a:/b']"),
        "compose.yml: services.web: /b is mounted twice",
    ),
    "a date": (one("", "environment: {A: 2024-01-01}"), "2024-01-01 must be quoted to be a string"),
    "an unknown tag": (one("", "user: !mine a"), "could not determine a constructor for the tag '!mine'"),
    "a form of interpolation": (one("", "user: '${1}'"), "compose.yml: services.web.user: '${1}' is not"),
    "an env file": (one("", "env_file: a.env"), "services.web.env_file[0]: there is no file"),
    "aliases of aliases": (
        whole(
            "",
            "x-a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"x-{new}: &{new} [{', '.join(['*' + old] * 10)}]\n"
                for old, new in zip("abcd", "bcde", strict=True)
            )
            + service("x-f: *e"),
        ),
        "its aliases expand to more than",
    ),
}


def load(case: Case, folder: Path, **options: str) -> Stack:
    case.write(folder)
    env_file = options.get("env_file")
    files = [folder / name for name in case.merged]
    return compose.load(
        *files,
        environment=case.environment,
        profiles=case.profiles,
        env_file=folder / env_file if env_file else None,
        name=options.get("name"),
    )


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_named_with_its_file_and_its_place(name: str, tmp_path: Path) -> None:
    case, expected = REFUSED[name]
    with pytest.raises(ComposeError) as caught:
        load(case, tmp_path)
    assert expected in caught.value.message
    assert "\n" not in caught.value.message


def test_yaml_that_does_not_parse_is_one_sentence_with_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match=r"^[^\n]*compose\.yml, line 3, column 1: not valid YAML: [^\n]*$"):
        load(whole("", "services:\n  web: [\n"), tmp_path)


@pytest.mark.parametrize("text", ["services:\n\tweb: {image: i}\n", "services:\n  web:\n  \timage: i\n"])
def test_a_tab_is_called_a_tab(text: str, tmp_path: Path) -> None:
    with pytest.raises(
        ComposeError, match=r"line \d, column \d+: not valid YAML: a tab cannot indent a line"
    ):
        load(whole("", text), tmp_path)


def test_an_env_file_s_mistake_is_named_without_its_value(tmp_path: Path) -> None:
    files = {"compose.yml": service("user: a"), ".env": 'OK=1\nDB_PASSWORD="hunter2 s3cret\n'}
    with pytest.raises(ComposeError) as caught:
        load(Case(name="", files=files), tmp_path)
    expected = f"{tmp_path / '.env'}, line 2: the value of DB_PASSWORD has a quote that is not closed."
    assert caught.value.message == expected
    with pytest.raises(ComposeError) as caught:
        load(Case(name="", files={**files, ".env": "OK=1\ns3cret hunter2\n"}), tmp_path)
    assert caught.value.message == f"{tmp_path / '.env'}, line 2: expected NAME=value."


def test_a_required_variable_is_named_with_its_message_file_and_key(tmp_path: Path) -> None:
    with pytest.raises(VariableMissing) as caught:
        load(whole("", "services: {web: {image: 'i:${TAG:?say which}'}}"), tmp_path)
    assert caught.value.message == (
        f"{tmp_path / 'compose.yml'}: services.web.image: the variable TAG has no value: say which"
    )


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
    assert all(each.healthcheck for each in stack.services.values())


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
