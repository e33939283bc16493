"""Where a command of a person runs that is to run as a service of the local engine does."""

from __future__ import annotations

import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.control import places
from stack.engines.local import accounts, engine, servers, service_variables, views
from stack.engines.local.views import View
from stack.environments import service_environment
from stack.plan.plan import ServicePlan
from stack.records import state
from stack.records.state import StackState
from stack.system import network_namespace


@dataclass(frozen=True, kw_only=True)
class LocalPlace:
    """A service's environment, its account (None: the caller's own) and what that account is shown."""

    stack: StackState
    plan: ServicePlan
    environment: dict[str, str]
    account: str | None
    view: View | None

    def inside(self, argv: Sequence[str], *, on_its_network: bool = True) -> list[str]:
        """Return the words that run ``argv`` as the service's account, in its folder and within its limits.

        Raises:
            NotUp: the service is not running, so that it has no network.
            NotRunnable: the account cannot go where the service's folders are.
        """
        within = places.limits_of(self.stack, self.plan)
        nsenter: Sequence[str] = ()
        if on_its_network and self.plan.network == "own":
            nsenter = network_namespace.nsenter_beside(places.service_pid(self.stack, self.plan.name))
        elif self.view is not None:
            mounts = views.open_view(self.view)
            nsenter = () if mounts is None else network_namespace.nsenter(mounts=mounts.descriptor)
        if not nsenter and self.account is None:
            return [*within, *argv]
        return [*within, *network_namespace.inside(nsenter, argv, user=self.account, cwd=self._folder())]

    def _folder(self) -> Path:
        """The service's folder; where a server's account may not enter it, the root."""
        if self.account is None or self.view is not None:
            return self.plan.cwd
        uid = pwd.getpwnam(self.account).pw_uid
        return Path("/") if accounts.blocking_folders(self.plan.cwd / "any", uid) else self.plan.cwd


def of_service(plan: ServicePlan, stack: StackState) -> LocalPlace:
    """Return where a service of the local engine runs; what is missing of its environment is installed."""
    scratch = state.scratch(stack.name) / plan.name
    installed = service_environment.sync(plan.service, plan.image, scratch)
    view = engine.view_here(plan, installed, scratch)
    account = servers.account_of(plan)
    variables = service_variables.environment_of(plan, stack.token, installed, view)
    if view is None:
        variables["PATH"] = accounts.search_path(variables["PATH"], account)
    return LocalPlace(
        stack=stack,
        plan=plan,
        environment=variables | service_variables.client_variables(plan, scratch),
        account=account,
        view=view,
    )
