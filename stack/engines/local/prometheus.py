"""Runs ``prometheus`` images as the installed server, with the configuration that the compose file mounts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from stack.engines.local.accounts import allow_traversal, chown_tree, give_data, unprivileged
from stack.engines.local.binaries import prometheus_server
from stack.engines.local.launch import Launch
from stack.engines.local.server_spec import ServerSpec
from stack.plan.addresses import Addresses, rewrite_names, rewrite_words

TARGET, CONFIGURATION = "/prometheus", "/etc/prometheus"
DEFAULTS = (f"--config.file={CONFIGURATION}/prometheus.yml", f"--storage.tsdb.path={TARGET}")
"""What the official image runs (https://github.com/prometheus/prometheus/blob/main/Dockerfile)."""

LISTENS = "--web.listen-address"


@dataclass(frozen=True, kw_only=True)
class PrometheusRunner:
    """``addresses`` are those of services that share this machine's network."""

    addresses: Addresses

    def require_here(self) -> None:
        """Check that the server is installed; no wheel carries one.

        Raises:
            NotRunnable: it is not.
        """
        prometheus_server()

    def account(self) -> str | None:
        """Return the account that the server runs as; None for the caller's own."""
        return unprivileged("prometheus")

    def prepare(self, spec: ServerSpec) -> Launch:
        """Copy the configuration, so that the server's account can read it; return what to execute."""
        user = self.account()
        folder = spec.data.get(TARGET, spec.state / "data")
        give_data(spec.service, folder, user)
        configuration = spec.state / "configuration"
        copy_configuration(spec.data.get(CONFIGURATION), configuration, self.addresses)
        chown_tree(configuration, user)
        allow_traversal(configuration, user)
        places = {**spec.data, TARGET: folder, CONFIGURATION: configuration}
        options = rewrite_words(spec.arguments or DEFAULTS, places)
        options = tuple(word for word in options if not word.startswith(f"{LISTENS}="))
        argv = (str(prometheus_server()), *options, f"{LISTENS}={spec.host}:{spec.port}")
        return Launch(argv=argv, cwd=folder, user=user)


def copy_configuration(source: Path | None, target: Path, addresses: Addresses) -> None:
    """Copy a folder of YAML files and templates; names of services become addresses of this machine."""
    shutil.rmtree(target, ignore_errors=True)
    if source is None:
        target.mkdir(parents=True)
        return
    shutil.copytree(source, target)
    for file in target.rglob("*.y*ml"):
        file.write_text(rewrite_names(file.read_text(encoding="utf-8"), addresses), encoding="utf-8")
