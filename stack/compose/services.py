"""One service in long form -> ``stack.model.Service``."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.compose import dotenv
from stack.compose.shorthand import port_range
from stack.compose.values import boolean, seconds, text, words
from stack.errors import ComposeError
from stack.model import Build, Dependency, Healthcheck, LocalHints, Mount, Port, Service

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")


@dataclass(frozen=True, kw_only=True)
class Builder:
    """Makes services of long forms. ``label`` names the files in errors; ``directory`` is the project's."""

    label: str
    directory: Path
    variables: Mapping[str, str]

    def service(self, name: str, raw: Mapping[str, Any]) -> Service:
        """The service, with every default of the specification.

        Raises:
            ComposeError: a value that cannot be read; names file and key.
        """
        where = f"services.{name}"
        return Service(
            name=name,
            image=raw.get("image"),
            build=self._build(raw.get("build")),
            command=self._command(raw.get("command"), f"{where}.command"),
            entrypoint=self._command(raw.get("entrypoint"), f"{where}.entrypoint"),
            environment=self._environment(raw, where),
            ports=tuple(self._ports(raw.get("ports") or (), where)),
            expose=self._expose(raw.get("expose") or (), where),
            mounts=self._mounts(raw, where),
            depends_on=self._dependencies(raw),
            healthcheck=self._healthcheck(raw.get("healthcheck"), f"{where}.healthcheck.test"),
            profiles=tuple(raw.get("profiles") or ()),
            restart=raw.get("restart") or "no",
            stop_signal=raw.get("stop_signal") or "SIGTERM",
            stop_grace_period_s=seconds(raw.get("stop_grace_period") or "10s"),
            user=raw.get("user"),
            working_dir=raw.get("working_dir"),
            networks=networks_of(raw),
            local=self._local(raw.get("x-local") or {}, f"{where}.x-local"),
        )

    def _build(self, raw: Mapping[str, Any] | None) -> Build | None:
        if raw is None:
            return None
        return Build(
            context=Path(raw.get("context") or self.directory),
            dockerfile=raw.get("dockerfile") or "Dockerfile",
            target=raw.get("target"),
            args=self._pairs(raw.get("args")),
        )

    def _command(self, raw: str | list[str] | None, key: str) -> tuple[str, ...] | None:
        if raw is None:
            return None
        try:
            return words(raw) if isinstance(raw, str) else tuple(raw)
        except ValueError as error:
            raise self._error(key, str(error)) from None

    def _environment(self, raw: Mapping[str, Any], where: str) -> dict[str, str]:
        own = self._pairs(raw.get("environment"))
        found: dict[str, str] = {}
        for index, entry in enumerate(raw.get("env_file") or ()):
            file = Path(entry["path"])
            if file.is_file():
                found |= self._env_file(file, entry.get("format"), own, f"{where}.env_file[{index}]")
            elif boolean(entry.get("required", True)):
                raise self._error(f"{where}.env_file[{index}]", f"there is no file {file}")
        return {**found, **own}

    def _env_file(self, file: Path, form: str | None, own: dict[str, str], key: str) -> dict[str, str]:
        if form == "raw":
            return dotenv.raw(file)
        if form:
            raise self._error(key, f"the format {form} is not known")
        return dotenv.read(file, ChainMap(dict(self.variables), own))

    def _pairs(self, raw: Any) -> dict[str, str]:
        """``environment`` or ``args`` in either form; what has no value is taken from the variables."""
        if isinstance(raw, list):
            split = (entry.partition("=") for entry in raw)
            raw = {name: value if sign else None for name, sign, value in split}
        values = {
            name: self.variables.get(name) if value is None else text(value)
            for name, value in (raw or {}).items()
        }
        return {name: str(value) for name, value in values.items() if value is not None}

    def _ports(self, raw: Any, where: str) -> list[Port]:
        return [self._port(entry, f"{where}.ports[{index}]") for index, entry in enumerate(raw)]

    def _port(self, raw: Mapping[str, Any], key: str) -> Port:
        if "target" not in raw:
            raise self._error(key, "the key target is missing")
        published = str(raw["published"]) if raw.get("published") not in (None, "", 0, "0") else None
        try:
            return Port(
                target=port_range(str(raw["target"]))[0],
                # Of a range, in which any port will do, the first.
                published=port_range(published)[0] if published else None,
                host_ip=str(raw.get("host_ip") or "127.0.0.1"),
                protocol=str(raw.get("protocol") or "tcp"),
                demanded=bool(raw.get("x-demanded")),
            )
        except ValueError as error:
            raise self._error(key, str(error)) from None

    def _expose(self, raw: Any, where: str) -> tuple[int, ...]:
        try:
            return tuple(port for entry in raw for port in port_range(text(entry).partition("/")[0]))
        except ValueError as error:
            raise self._error(f"{where}.expose", str(error)) from None

    def _mounts(self, raw: Mapping[str, Any], where: str) -> tuple[Mount, ...]:
        mounts = [
            self._mount(each, f"{where}.volumes[{i}]") for i, each in enumerate(raw.get("volumes") or ())
        ]
        tmpfs = raw.get("tmpfs") or ()
        targets = [entry.partition(":")[0] for entry in ([tmpfs] if isinstance(tmpfs, str) else tmpfs)]
        mounts += [Mount(type="tmpfs", target=target) for target in targets]
        seen: set[str] = set()
        for mount in mounts:
            if mount.target in seen:
                raise self._error(where, f"{mount.target} is mounted twice")
            seen.add(mount.target)
        return tuple(mounts)

    def _mount(self, raw: Mapping[str, Any], key: str) -> Mount:
        kind, source = raw["type"], raw.get("source")
        if kind not in ("bind", "volume", "tmpfs"):
            raise self._error(key, f"a mount of the type {kind} is not supported")
        if not raw.get("target"):
            raise self._error(key, "the key target is missing")
        if kind == "bind" and not source:
            raise self._error(key, "the key source is missing")
        read_only = boolean(raw.get("read_only", False))
        return Mount(type=kind, target=raw["target"], source=source or None, read_only=read_only)

    def _dependencies(self, raw: Mapping[str, Any]) -> tuple[Dependency, ...]:
        given = {
            name: Dependency(
                service=name,
                condition=entry["condition"],
                required=boolean(entry.get("required", True)),
                restart=boolean(entry.get("restart", False)),
            )
            for name, entry in (raw.get("depends_on") or {}).items()
        }
        implied = {name: Dependency(service=name, restart=restart) for name, restart in _implied(raw)}
        return tuple({**implied, **given}.values())

    def _healthcheck(self, raw: Mapping[str, Any] | None, key: str) -> Healthcheck | None:
        if not raw or boolean(raw.get("disable", False)) or not raw.get("test"):
            return None
        test = ("CMD-SHELL", raw["test"]) if isinstance(raw["test"], str) else tuple(raw["test"])
        if test[0] not in ("CMD", "CMD-SHELL", "NONE"):
            raise self._error(key, "must start with CMD, CMD-SHELL or NONE")
        times = ("interval", "timeout", "start_period", "start_interval")
        given: dict[str, Any] = {
            f"{name}_s": seconds(raw[name]) for name in times if raw.get(name) is not None
        }
        if raw.get("retries") is not None:
            given["retries"] = self._count(raw["retries"], key.replace("test", "retries"))
        return None if test[0] == "NONE" else Healthcheck(test=test, **given)

    def _count(self, raw: Any, key: str) -> int:
        try:
            return int(raw)
        except ValueError:
            raise self._error(key, f"{raw!r} is not a whole number") from None

    def _local(self, raw: Mapping[str, Any], key: str) -> LocalHints:
        working_dir = raw.get("working_dir")
        return LocalHints(
            command=self._command(raw.get("command"), f"{key}.command"),
            python=raw.get("python"),
            working_dir=Path(working_dir) if working_dir else None,
            environment=self._pairs(raw.get("environment")),
        )

    def _error(self, key: str, problem: str) -> ComposeError:
        return ComposeError(f"{self.label}: {key}: {problem}")


def networks_of(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The networks a service is on: its own, else ``default``, unless a ``network_mode`` says otherwise."""
    if raw.get("network_mode"):
        return ()
    return tuple(raw.get("networks") or ("default",))


def _implied(raw: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Services that this one needs without saying ``depends_on``, and whether it restarts with them."""
    links = [(link.partition(":")[0], True) for link in raw.get("links") or ()]
    shared = [raw[key] for key in _NAMESPACES if isinstance(raw.get(key), str)]
    namespaces = [(text[8:], True) for text in shared if text.startswith("service:")]
    volumes = [source for source in raw.get("volumes_from") or () if not source.startswith("container:")]
    return links + namespaces + [(source.partition(":")[0], False) for source in volumes]
