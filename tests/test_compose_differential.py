"""The loader and ``docker compose config`` agree on the same files. Opt-in: ``pytest -m differential``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_compose_case import Case
from test_compose_cases_files import FILES
from test_compose_cases_merge import MERGES
from test_compose_cases_services import SERVICES
from test_compose_cases_values import VALUES

from stack.compose.values import seconds
from stack.errors import StackError
from stack.model import Service, Stack

pytestmark = pytest.mark.differential


@pytest.mark.parametrize("case", [*VALUES, *SERVICES, *MERGES, *FILES], ids=lambda case: case.name)
def test_the_loader_says_what_docker_compose_says(case: Case, tmp_path: Path) -> None:
    case.write(tmp_path)
    theirs = _theirs(case, tmp_path)
    try:
        ours = _ours(case.load(tmp_path))
    except StackError as error:
        ours = f"refused: {error}"
    if isinstance(theirs, str) and theirs.startswith("refused"):
        assert isinstance(ours, str), f"compose refuses this: {theirs}"
    else:
        assert ours == theirs


def _theirs(case: Case, folder: Path) -> Any:
    argv = ["docker", "compose"]
    argv += [word for file in case.merged for word in ("-f", str(folder / file))]
    argv += [word for profile in case.profiles for word in ("--profile", profile)]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **case.environment}
    done = subprocess.run(
        [*argv, "config", "--format", "json"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"refused: {done.stderr.strip()}"
    return _projected(json.loads(done.stdout.replace("$$", "$")))


def _projected(config: dict[str, Any]) -> dict[str, Any]:
    used = {name for each in config["services"].values() for name in each.get("networks") or {}}
    return {
        "name": config["name"],
        "services": {name: _service(raw, config["services"]) for name, raw in config["services"].items()},
        "networks": {key: raw["name"] for key, raw in config.get("networks", {}).items() if key in used},
        "volumes": {key: raw["name"] for key, raw in config.get("volumes", {}).items()},
    }


def _service(raw: dict[str, Any], all_of_them: dict[str, Any]) -> dict[str, Any]:
    keys = ("image", "restart", "user", "working_dir", "stop_signal", "entrypoint", "command")
    return {
        **{key: raw.get(key) for key in keys},
        "build": _build(raw["build"]) if "build" in raw else None,
        "environment": {key: value for key, value in raw.get("environment", {}).items() if value is not None},
        "ports": sorted(str(_port(port)) for port in raw.get("ports", [])),
        "expose": sorted(_exposed(raw)),
        "mounts": sorted(_mounts(raw)),
        "depends_on": {
            name: _dependency(each)
            for name, each in raw.get("depends_on", {}).items()
            if name in all_of_them  # compose prints, and then ignores, what is optional and not active
        },
        "healthcheck": _healthcheck(raw.get("healthcheck") or {}),
        "profiles": sorted(raw.get("profiles", [])),
        "stop_grace_period": seconds(raw.get("stop_grace_period", "10s")),
        "networks": sorted(raw.get("networks") or {}),
    }


def _build(raw: dict[str, Any]) -> Any:
    args = {key: value for key, value in (raw.get("args") or {}).items() if value is not None}
    return raw["context"], raw.get("dockerfile", "Dockerfile"), raw.get("target"), args


def _port(raw: dict[str, Any]) -> Any:
    published = str(raw.get("published") or "0").partition("-")[0]
    return (
        raw["target"],
        int(published) or None,
        raw.get("host_ip") or "127.0.0.1",
        raw.get("protocol", "tcp"),
    )


def _exposed(raw: dict[str, Any]) -> list[int]:
    ranges = [text.partition("/")[0].partition("-") for text in raw.get("expose", [])]
    return [port for first, _, last in ranges for port in range(int(first), int(last or first) + 1)]


def _mounts(raw: dict[str, Any]) -> list[str]:
    volumes = [
        str((each["type"], each.get("source"), each["target"], each.get("read_only", False)))
        for each in raw.get("volumes", [])
    ]
    return volumes + [str(("tmpfs", None, text.partition(":")[0], False)) for text in raw.get("tmpfs", [])]


def _dependency(raw: dict[str, Any]) -> Any:
    return raw["condition"], raw["required"], raw.get("restart", False)


def _healthcheck(raw: dict[str, Any]) -> Any:
    if raw.get("disable") or not raw.get("test") or raw["test"][0] == "NONE":
        return None
    defaults = {"interval": "30s", "timeout": "30s", "start_period": "0s", "start_interval": "5s"}
    return (
        raw["test"],
        raw.get("retries", 3),
        *(seconds(raw.get(key, value)) for key, value in defaults.items()),
    )


def _ours(stack: Stack) -> dict[str, Any]:
    services = stack.services.values()
    networks = {name for each in services for name in each.networks}
    volumes = {mount.source for each in services for mount in each.mounts if mount.type == "volume"}
    return {
        "name": stack.name,
        "services": {each.name: _our_service(each) for each in services},
        "networks": {key: name for key, name in stack.networks.items() if key in networks},
        "volumes": {key: name for key, name in stack.volumes.items() if key in volumes},
    }


def _our_service(service: Service) -> dict[str, Any]:
    build, check = service.build, service.healthcheck
    return {
        "image": service.image,
        "restart": None if service.restart == "no" else service.restart,
        "user": service.user,
        "working_dir": service.working_dir,
        "stop_signal": None if service.stop_signal == "SIGTERM" else service.stop_signal,
        "entrypoint": None if service.entrypoint is None else list(service.entrypoint),
        "command": None if service.command is None else list(service.command),
        "build": build and (str(build.context), build.dockerfile, build.target, build.args),
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
            check.start_interval_s,
        ),
        "profiles": sorted(service.profiles),
        "stop_grace_period": service.stop_grace_period_s,
        "networks": sorted(service.networks),
    }
