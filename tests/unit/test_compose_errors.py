"""Mistakes in compose files: each is named with its file and its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_compose_case import DB, Case, load, one, service, two, whole

from stack.errors import ComposeError, VariableMissing

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
    "a file that is none": (
        whole("", "root:x:0:0:" + "root:/root:/bin/bash " * 9),
        "compose.yml: the document: must be a mapping, not a long string",
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
    "a folder beside a volume": (
        one(
            "",
            "volumes: [{type: volume, source: d, target: /d, volume: {subpath: a/../../b}}]",
            below="volumes: {d: {}}",
        ),
        "services.web.volumes[0].volume.subpath: a/../../b leads out of the volume",
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
