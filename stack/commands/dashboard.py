"""`inv dashboard`: the page that shows a stack, at an address that only this user knows."""

from __future__ import annotations

from dataclasses import replace

from stack.commands import browser, tools
from stack.control import guardians, services
from stack.control.choice import Choice
from stack.control.recorder import PROFILE, SERVICE, recorder_of
from stack.plan.service_plan import Plan
from stack.records import plans


def run(choice: Choice, *, open_page: bool, timeout_s: float) -> None:
    """Print the page's address, starting the stack with its dashboard where it is not up.

    Raises:
        NotUp: the stack is up without a dashboard.
        ServiceFailed: its dashboard has failed.
    """
    if guardians.alive(choice.resolve_name()) is None:
        from stack.commands import up  # most of what starting a stack takes: not for a stack that is up

        with_dashboard = replace(choice, profiles=(*choice.profiles, PROFILE))
        up.run(with_dashboard, "", timeout_s=timeout_s, watch=False)
    stack = guardians.require_running(choice.resolve_name())
    address = address_of(plans.read(stack.name))
    services.require_well(stack, SERVICE)
    browser.show(address, open_page=open_page)


def address_of(plan: Plan) -> str:
    """Return the address of a stack's dashboard, with the token that opens it.

    Raises:
        NotUp: the stack has no dashboard.
    """
    recorder = recorder_of(plan)
    if recorder is None:
        raise tools.missing(plan, SERVICE, profile=PROFILE)
    return recorder.page
