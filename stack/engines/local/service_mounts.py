"""The mounts of a stack's services: what each sees of this machine's files, made anew at each start."""

from __future__ import annotations

from pathlib import Path

from stack.engines.local import container_files, views
from stack.engines.local.views import View
from stack.engines.protocol import Say
from stack.plan.plan import ServicePlan
from stack.system import mounts
from stack.system.mounts import Mounts


class ServiceMounts:
    """Open mount namespaces, one a service at most; ``say`` takes sentences for the person who starts it."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._opened: dict[str, Mounts] = {}

    def open(self, plan: ServicePlan, view: View | None, *, scratch: Path, base: int | None) -> Mounts | None:
        """Return new mounts for a service, None where it sees what this process does.

        ``base`` is the mount namespace that came with its network, None where it has none of its own.

        Raises:
            NotRunnable: the account of the service cannot enter a folder that it needs.
        """
        opened = self._of_caller(plan, scratch, base) if view is None else self._of_account(plan, view, base)
        if (old := self._opened.pop(plan.name, None)) is not None:
            old.close()
        if opened is not None:
            self._opened[plan.name] = opened
        return opened

    def close(self) -> None:
        """Release all mounts; they live on with the processes in them."""
        while self._opened:
            self._opened.popitem()[1].close()

    def _of_account(self, plan: ServicePlan, view: View, base: int | None) -> Mounts | None:
        opened = views.open_view(view, base=base)
        if unwritable := view.unwritable(opened):
            folders = ", ".join(map(str, unwritable))
            self._say(f"{plan.name} runs as the account {view.account}, which may not write to {folders}")
        return opened

    def _of_caller(self, plan: ServicePlan, scratch: Path, base: int | None) -> Mounts | None:
        trees = [] if base is None else container_files.trees(plan, scratch)
        if not trees:
            return None
        try:
            temporary = container_files.temporary(plan)
            return mounts.show(trees, base=base, read_only=plan.service.read_only, temporary=temporary)
        except OSError as error:
            reason = f"the kernel allows no mounts of its own ({error.strerror})"
            self._say(
                f"{plan.name} sees the files of this machine only, and read_only has no effect: {reason}"
            )
            return None
