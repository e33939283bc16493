"""The loader reads each case as Docker Compose 2.26 did, whose output is recorded in the JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from test_compose_case import Case
from test_compose_cases_files import FILES
from test_compose_cases_merge import MERGES
from test_compose_cases_services import SERVICES
from test_compose_cases_values import VALUES

from stack.errors import StackError
from stack.model import Service, Stack

FILE: Final = Path(__file__).with_suffix(".json")
CASES: Final = [*VALUES, *SERVICES, *MERGES, *FILES]
RECORDINGS: Final[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_loader_reads_what_docker_compose_reads(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    case.write(folder)
    try:
        output: Any = _of_stack(case.load(folder))
    except StackError as error:
        output = "refused" if "\n" not in error.message else error.message
    assert comparable(output, folder) == RECORDINGS[case.name]


def test_every_case_has_its_own_name_and_a_recording() -> None:
    assert sorted(case.name for case in CASES) == sorted(RECORDINGS)


def comparable(output: Any, folder: Path) -> Any:
    """Return a description without empty values, and with words in place of this machine's folders."""
    folders = {str(folder): "PROJECT", str(folder.parent): "PARENT"}
    text = json.dumps(_without_empty(output))
    for path, word in folders.items():
        text = text.replace(path, word)
    return json.loads(text)


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_empty(item)
            for key, item in value.items()
            if item not in (None, {}, []) or key == "command"
        }
    return value


def _of_stack(stack: Stack) -> dict[str, Any]:
    services = stack.services.values()
    networks = {name for each in services for name in each.networks}
    volumes = {mount.source for each in services for mount in each.mounts if mount.type == "volume"}
    return {
        "name": stack.name,
        "services": {each.name: _service(each) for each in services},
        "networks": {key: name for key, name in stack.networks.items() if key in networks},
        "volumes": {key: name for key, name in stack.volumes.items() if key in volumes},
        "contents": _contents(stack),
    }


def _contents(stack: Stack) -> dict[str, Any]:
    """What the file of each secret and config is a copy of, or its inline content."""
    files = [each for service in stack.services.values() for each in service.files]
    return {f"{each.kind} {each.name}": str(each.file) if each.file else each.content for each in files}


def _service(service: Service) -> dict[str, Any]:
    build, check = service.build, service.healthcheck
    return {
        "image": service.image,
        "restart": None if service.restart == "no" else service.restart,
        "user": service.user,
        "working_dir": service.working_dir,
        "stop_signal": service.stop_signal,
        "entrypoint": None if service.entrypoint is None else list(service.entrypoint),
        "command": None if service.command is None else list(service.command),
        "build": build
        and (
            build.url or str(build.context),
            build.dockerfile_text or build.dockerfile,
            build.target,
            build.args,
        ),
        "environment": service.environment,
        "ports": sorted(
            str((port.target, port.published, port.host_ip, port.protocol)) for port in service.ports
        ),
        "expose": sorted(service.expose),
        "mounts": sorted(
            str((each.type, each.source, each.target, each.read_only)) for each in service.mounts
        ),
        "depends_on": {
            each.service: (each.condition, each.required, each.restart) for each in service.depends_on
        },
        "healthcheck": check
        and (
            list(check.test),
            check.retries,
            check.interval_s,
            check.timeout_s,
            check.start_period_s,
        ),
        "stop_grace_period": service.stop_grace_period_s,
        "networks": sorted(service.networks),
        "limits": [service.limits.memory_bytes, service.limits.processes, service.limits.cpus],
        "replicas": service.replicas,
        "files": sorted(str((each.kind, each.name, each.target, each.mode)) for each in service.files),
        "extra_hosts": {name: list(each) for name, each in service.extra_hosts.items()},
        "hostnames": list(service.hostnames),
        "flags": [service.read_only, service.tty, service.stdin_open],
    }
