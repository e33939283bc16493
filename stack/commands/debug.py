"""`inv debug`: a service of the running stack under debugpy, and what to paste into an editor."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from stack.control import guardians, plans, services
from stack.control.choice import Choice
from stack.display import messages
from stack.environments import debugger, service_environment
from stack.errors import NotRunnable, NotWritable
from stack.plan import debugging
from stack.plan.plan import LOOPBACK
from stack.records import plans as stored_plans
from stack.records import state
from stack.records.control import Action, Command
from stack.records.state import StackState
from stack.system import files, ports

PORT = 5678
"""The port that editors propose for debugpy."""


def run(choice: Choice, service: str, *, launch_json: bool = False) -> None:
    """Restart ``service`` under debugpy and print how to attach; with ``launch_json`` write VS Code's file.

    Raises:
        NotRunnable: the service is not one of Python on the local engine.
        UnknownService: the stack has no such service.
        NotWritable: VS Code's file has comments, or is no object.
    """
    stack = guardians.require_running(choice.resolve_name())
    debugpy = debugger.install(_virtualenv(stack, service), say=messages.say)
    port = stack.debuggers.get(service) or _free_port(stack.name)
    configuration = vscode(service, port)
    path = write_launch_json(choice.work_tree, configuration) if launch_json else None
    command = Command(action=Action.DEBUG, services=(service,), port=port, debugpy=str(debugpy))
    services.change(stack, command)
    messages.say(
        f"{service} runs under debugpy, which listens at {LOOPBACK}:{port}: one worker, no time limits"
    )
    _say_how_to_attach(configuration, port, path)
    messages.advise(f"`inv restart {service}` ends it")


def _free_port(name: str) -> int:
    return next(port for port in (PORT, *ports.candidates(name)) if ports.is_free(port))


def _virtualenv(stack: StackState, service: str) -> Path:
    """Return the Python environment of a service that can be debugged.

    Raises:
        NotRunnable: it cannot.
    """
    if stack.engine != "local":
        raise NotRunnable(
            f"inv debug runs services of the local engine, and {stack.name} is on {stack.engine}.",
            hint="Type `inv down`, then `inv up --engine local`.",
        )
    planned = plans.service_of(stored_plans.read(stack.name), service)
    scratch = state.scratch(stack.name) / service
    virtualenv = None
    if not planned.server_image:
        virtualenv = service_environment.sync(planned.service, planned.image, scratch).virtualenv
    if virtualenv is None or not planned.argv:
        raise NotRunnable(f"{service} is no Python service.", hint="debugpy debugs Python only.")
    if not debugging.can_debug(planned):
        raise NotRunnable(
            f"The command of {service} does not show its Python program: {shlex.join(planned.argv)}.",
            hint="debugpy starts Python programs: let the command name one, behind an entry script or not.",
        )
    return virtualenv


def _say_how_to_attach(configuration: dict[str, Any], port: int, path: Path | None) -> None:
    """Print what an editor needs; ``path`` is VS Code's file where that has been written."""
    if path is not None:
        messages.say(f"VS Code: Run and Debug > {configuration['name']} ({path})")
    else:
        messages.say("VS Code, in `configurations` of .vscode/launch.json (`--launch-json` writes it):")
        messages.say(json.dumps(configuration, indent=2))
    messages.say(f"PyCharm: Run > Edit Configurations > Add > Attach to DAP: {LOOPBACK}, port {port}")


def vscode(service: str, port: int) -> dict[str, Any]:
    """Return VS Code's configuration (https://code.visualstudio.com/docs/python/debugging)."""
    return {
        "name": f"Attach to {service}",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": LOOPBACK, "port": port},
        "justMyCode": True,
    }


def write_launch_json(folder: Path, configuration: dict[str, Any]) -> Path:
    """Add a configuration to VS Code's launch.json, in the place of one of its name; return the file.

    Raises:
        NotWritable: the file has comments, or is no object: what is in it would be lost.
    """
    path = folder / ".vscode" / "launch.json"
    document: Any = {"version": "0.2.0", "configurations": []}
    if path.exists():
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            others = [each for each in document["configurations"] if each["name"] != configuration["name"]]
        except (ValueError, LookupError, TypeError):
            raise NotWritable(
                f"{path} is not plain JSON; perhaps it has comments.",
                hint="Leave out --launch-json, and paste what is printed.",
            ) from None
        document["configurations"] = others
    document["configurations"].append(configuration)
    path.parent.mkdir(exist_ok=True)
    files.write_atomically(path, json.dumps(document, indent=2) + "\n")
    return path
