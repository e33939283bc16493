"""Docker Compose still prints what was recorded. Opt-in: ``pytest -m differential``."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_compose_case import Case
from test_compose_recordings import CASES, FILE, RECORDINGS, comparable

from stack.model import seconds

pytestmark = pytest.mark.differential


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_docker_compose_still_prints_what_was_recorded(case: Case, tmp_path: Path) -> None:
    assert docker_output(case, tmp_path / "project") == RECORDINGS[case.name]


def docker_output(case: Case, folder: Path) -> Any:
    """Return what Docker Compose makes of a case, in the form that is recorded."""
    case.write(folder)
    return comparable(_docker_config(case, folder), folder)


def main() -> None:
    """Record the outputs anew: ``python tests/unit/test_compose_differential.py``."""
    outputs = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            outputs[case.name] = docker_output(case, Path(folder).resolve() / "project")
    lines = (f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}" for name, each in outputs.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _docker_config(case: Case, folder: Path) -> Any:
    argv = ["docker", "compose"]
    argv += [word for file in case.merged for word in ("-f", str(folder / file))]
    argv += [word for profile in case.profiles for word in ("--profile", profile)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent / "home"), **case.environment}
    done = subprocess.run(
        [*argv, "config", "--format", "json"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return "refused"
    return _of_config(json.loads(done.stdout.replace("$$", "$")))


def _of_config(config: dict[str, Any]) -> dict[str, Any]:
    used = {name for each in config["services"].values() for name in each.get("networks") or {}}
    return {
        "name": config["name"],
        "services": {name: _service(raw, config["services"]) for name, raw in config["services"].items()},
        "networks": {key: raw["name"] for key, raw in config.get("networks", {}).items() if key in used},
        "volumes": {key: raw["name"] for key, raw in config.get("volumes", {}).items()},
        "contents": _contents(config),
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
        "stop_grace_period": seconds(raw.get("stop_grace_period", "10s")),
        "networks": sorted(raw.get("networks") or {}),
        "limits": _limits(raw),
        "replicas": raw.get("scale", (raw.get("deploy") or {}).get("replicas", 1)),
        "files": sorted(str(each) for kind in ("secret", "config") for each in _files(kind, raw)),
        "extra_hosts": _extra_hosts(raw),
        "hostnames": [*_hostnames(raw), *_link_aliases(raw, all_of_them)],
        "flags": [raw.get(key, False) for key in ("read_only", "tty", "stdin_open")],
    }


def _build(raw: dict[str, Any]) -> Any:
    args = {key: value for key, value in (raw.get("args") or {}).items() if value is not None}
    dockerfile = raw.get("dockerfile_inline") or raw.get("dockerfile", "Dockerfile")
    return raw["context"], dockerfile, raw.get("target"), args


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


def _limits(raw: dict[str, Any]) -> list[Any]:
    deployed = ((raw.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    memory = int(raw.get("mem_limit") or deployed.get("memory") or 0)
    processes = raw.get("pids_limit") or deployed.get("pids") or 0
    return [memory or None, max(processes, 0) or None, raw.get("cpus") or deployed.get("cpus")]


def _files(kind: str, raw: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for each in raw.get(f"{kind}s") or []:
        target = each.get("target") or each["source"]
        folder = "" if target.startswith("/") else "/run/secrets/" if kind == "secret" else "/"
        yield kind, each["source"], f"{folder}{target}", each.get("mode", 0o444)


def _contents(config: dict[str, Any]) -> dict[str, Any]:
    used = {(kind, each["source"]) for raw in config["services"].values()
            for kind in ("secret", "config") for each in raw.get(f"{kind}s") or []}  # fmt: skip
    definitions = {(kind, name): config[f"{kind}s"][name] for kind, name in used}
    return {
        f"{kind} {name}": each.get("file") or each.get("content") or each.get("environment")
        for (kind, name), each in definitions.items()
    }


def _hostnames(raw: dict[str, Any]) -> list[str]:
    aliases = [
        name for each in (raw.get("networks") or {}).values() for name in (each or {}).get("aliases", [])
    ]
    return [name for name in (raw.get("hostname"), raw.get("container_name"), *aliases) if name]


def _link_aliases(raw: dict[str, Any], all_of_them: dict[str, Any]) -> list[str]:
    name = next(key for key, each in all_of_them.items() if each is raw)
    links = [link.partition(":") for each in all_of_them.values() for link in each.get("links") or []]
    return [alias for target, _, alias in links if target == name and alias not in {"", *all_of_them}]


def _extra_hosts(raw: dict[str, Any]) -> dict[str, list[str]]:
    hosts: dict[str, list[str]] = {}
    for name, _, address in (each.partition("=") for each in raw.get("extra_hosts") or []):
        hosts.setdefault(name, []).append(address)
    return hosts


def _dependency(raw: dict[str, Any]) -> Any:
    return raw["condition"], raw["required"], raw.get("restart", False)


def _healthcheck(raw: dict[str, Any]) -> Any:
    if raw.get("disable") or not raw.get("test") or raw["test"][0] == "NONE":
        return None
    defaults = {"interval": "30s", "timeout": "30s", "start_period": "0s"}
    return (
        raw["test"],
        raw.get("retries", 3),
        *(seconds(raw.get(key, value)) for key, value in defaults.items()),
    )


if __name__ == "__main__":
    main()
