"""One service in long form -> ``stack.model.Service``."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stack.compose import command_line, dotenv, paths
from stack.compose.dependencies import dependencies_of
from stack.compose.file_grants import file_grants
from stack.compose.hostnames import addresses_of, extra_hosts_of, hostnames_of
from stack.compose.limits import limits_of, replicas_of
from stack.compose.mounts import mounts_of
from stack.compose.resources import external_names
from stack.compose.shorthand import port_range
from stack.compose.values import boolean, text
from stack.errors import ComposeError
from stack.model import Build, Healthcheck, LocalHints, Port, Service, seconds

MODELLED: Final = frozenset(
    (
        *("image", "build", "command", "entrypoint", "environment", "env_file", "ports", "expose"),
        *("volumes", "tmpfs", "depends_on", "links", "healthcheck", "profiles", "restart", "stop_signal"),
        *("stop_grace_period", "user", "working_dir", "networks", "hostname", "container_name", "extends"),
        *("extra_hosts", "read_only", "tty", "stdin_open", "scale", "mem_limit", "pids_limit", "cpus"),
        *("secrets", "configs", "ulimits", "network_mode"),
    )
)
"""The keys of a service that ``stack.model.Service`` has fields for."""


@dataclass(frozen=True, kw_only=True)
class ServiceReader:
    """Reads services in long form.

    ``label`` names the files in errors, ``directory`` is the project's, ``document`` the whole of the files.
    """

    label: str
    directory: Path
    variables: Mapping[str, str]
    document: Mapping[str, Any]

    def read(self, name: str, raw: Mapping[str, Any]) -> Service:
        """Return the service, with every default of the specification.

        Raises:
            ComposeError: a value that cannot be read; names file and key.
        """
        where = f"services.{name}"
        place = f"{self.label}: {where}"
        return Service(
            name=name,
            image=raw.get("image"),
            build=self._build(raw.get("build")),
            command=self._command(raw.get("command"), f"{where}.command"),
            entrypoint=self._command(raw.get("entrypoint"), f"{where}.entrypoint"),
            environment=self._environment(raw, where),
            ports=tuple(self._ports(raw.get("ports") or (), where)),
            expose=self._expose(raw.get("expose") or (), where),
            mounts=mounts_of(raw, self.document.get("volumes") or {}, self.directory, place),
            depends_on=dependencies_of(raw),
            healthcheck=self._healthcheck(raw.get("healthcheck"), f"{where}.healthcheck.test"),
            healthcheck_disabled=_is_disabled(raw.get("healthcheck")),
            restart=raw.get("restart") or "no",
            stop_signal=raw.get("stop_signal"),
            stop_grace_period_s=seconds(raw.get("stop_grace_period") or "10s"),
            user=raw.get("user"),
            working_dir=raw.get("working_dir"),
            networks=networks_of(raw),
            external=external_names(raw, self.document),
            network_mode=raw.get("network_mode") or "",
            hostnames=hostnames_of(name, self.document["services"]),
            addresses=self._addresses(raw, where),
            extra_hosts=extra_hosts_of(raw),
            read_only=boolean(raw.get("read_only") or False),
            tty=boolean(raw.get("tty") or False),
            stdin_open=boolean(raw.get("stdin_open") or False),
            replicas=replicas_of(raw, place),
            limits=limits_of(raw, place),
            files=tuple(file_grants(raw, self.document, self.variables, place)),
            other_keys=tuple(key for key in raw if key not in MODELLED and not key.startswith("x-")),
            optional=boolean(raw.get("x-optional") or False),
            local=self._local(raw.get("x-local") or {}, f"{where}.x-local"),
        )

    def _build(self, raw: Mapping[str, Any] | None) -> Build | None:
        if raw is None:
            return None
        context = str(raw.get("context") or self.directory)
        is_remote = paths.is_remote(context)
        return Build(
            context=self.directory if is_remote else Path(context),
            url=context if is_remote else "",
            dockerfile_text=raw.get("dockerfile_inline") or "",
            dockerfile=raw.get("dockerfile") or "Dockerfile",
            target=raw.get("target") or None,
            args=self._pairs(raw.get("args")),
        )

    def _command(self, raw: str | list[str] | None, key: str) -> tuple[str, ...] | None:
        if raw is None:
            return None
        try:
            return command_line.split(raw) if isinstance(raw, str) else tuple(raw)
        except ValueError as error:
            raise self._error(key, str(error)) from None

    def _environment(self, raw: Mapping[str, Any], where: str) -> dict[str, str]:
        inline = self._pairs(raw.get("environment"))
        values: dict[str, str] = {}
        for index, entry in enumerate(raw.get("env_file") or ()):
            file = Path(entry["path"])
            if file.is_file():
                values |= self._env_file(file, entry.get("format"), inline, f"{where}.env_file[{index}]")
            elif boolean(entry.get("required", True)):
                raise self._error(f"{where}.env_file[{index}]", f"there is no file {file}")
        unset = _names(raw.get("environment")) - set(inline)  # without a value anywhere: not that of a file
        return {**{name: value for name, value in values.items() if name not in unset}, **inline}

    def _env_file(
        self, file: Path, file_format: str | None, inline: dict[str, str], key: str
    ) -> dict[str, str]:
        if file_format == "raw":
            return dotenv.raw(file)
        if file_format:
            raise self._error(key, f"unknown format {file_format}")
        return dotenv.read(file, ChainMap(dict(self.variables), inline))

    def _pairs(self, raw: Any) -> dict[str, str]:
        """``environment`` or ``args`` in either form; a name without a value takes it from the variables."""
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
                # The first of a range, any port of which will do.
                published=port_range(published)[0] if published else None,
                host_ip=str(raw.get("host_ip") or "127.0.0.1"),
                protocol=str(raw.get("protocol") or "tcp"),
                fixed=bool(raw.get("x-fixed")),
            )
        except ValueError as error:
            raise self._error(key, str(error)) from None

    def _expose(self, raw: Any, where: str) -> tuple[int, ...]:
        try:
            return tuple(port for entry in raw for port in port_range(text(entry).partition("/")[0]))
        except ValueError as error:
            raise self._error(f"{where}.expose", str(error)) from None

    def _healthcheck(self, raw: Mapping[str, Any] | None, key: str) -> Healthcheck | None:
        if not raw or boolean(raw.get("disable", False)) or not raw.get("test"):
            return None
        test = ("CMD-SHELL", raw["test"]) if isinstance(raw["test"], str) else tuple(raw["test"])
        if test[0] not in ("CMD", "CMD-SHELL", "NONE"):
            raise self._error(key, "must start with CMD, CMD-SHELL or NONE")
        durations = ("interval", "timeout", "start_period")
        values: dict[str, Any] = {
            f"{name}_s": seconds(raw[name]) for name in durations if raw.get(name) is not None
        }
        if raw.get("retries") is not None:
            values["retries"] = self._count(raw["retries"], key.replace("test", "retries"))
        return None if test[0] == "NONE" else Healthcheck(test=test, **values)

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

    def _addresses(self, raw: Mapping[str, Any], where: str) -> tuple[str, ...]:
        try:
            return addresses_of(raw)
        except ValueError as error:
            raise self._error(f"{where}.networks: ipv4_address", str(error)) from None

    def _error(self, key: str, problem: str) -> ComposeError:
        return ComposeError(f"{self.label}: {key}: {problem}")


def _names(environment: Any) -> set[str]:
    """Return the names of variables in either form."""
    return {str(entry).partition("=")[0] for entry in environment or ()}


def _is_disabled(raw: Mapping[str, Any] | None) -> bool:
    raw = raw or {}
    return boolean(raw.get("disable") or False) or raw.get("test") in ("NONE", ["NONE"], [])


def networks_of(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the networks of a service: those it names, else ``default``; none with a ``network_mode``."""
    if raw.get("network_mode"):
        return ()
    return tuple(raw.get("networks") or ("default",))
