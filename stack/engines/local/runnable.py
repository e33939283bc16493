"""Whether the local engine can run every service of a plan, known before anything starts."""

from __future__ import annotations

import os
import posixpath
import shutil

from stack.engines.local import entry, launchers, servers, stand_ins
from stack.environments import needs, service_environment, system_packages
from stack.errors import LockMismatch, NotRunnable, PythonMissing, ServerMissing, StackError
from stack.plan import plan as planning
from stack.plan.plan import Plan, ServicePlan
from stack.plan.service_plan import Problem, base_image


def require_runnable(plan: Plan) -> None:
    """Raise where a service cannot run here.

    Raises:
        NotRunnable: names every such service, each with its way out.
        PythonMissing, LockMismatch, ServerMissing: the only problem of the plan.
    """
    errors = {name: error for name, service in plan.services.items() if (error := error_of(service))}
    problems = [name for name, service in plan.services.items() if service.problem is not None]
    if len(errors) == 1 and not problems and not isinstance(only := next(iter(errors.values())), NotRunnable):
        raise only
    planning.require_runnable(
        plan,
        {
            name: Problem(
                sentence=f"services.{name}: {error.message.removeprefix(f'services.{name}: ')}",
                way_out=error.hint,
            )
            for name, error in errors.items()
        },
    )


def error_of(plan: ServicePlan) -> StackError | None:
    """Return why a server or an environment cannot be had here, None where it can."""
    service = plan.service
    try:
        if (image := plan.runner_image) is not None:
            servers.runner(image).require_here()
        else:
            service_environment.require_installable(service, plan.image)
            _require_script(plan)
            _require_program(plan)
            _require_programs(plan)
    except (NotRunnable, PythonMissing, LockMismatch, ServerMissing) as error:
        return error
    return None


def _require_script(plan: ServicePlan) -> None:
    """Check the script that a service starts with, where it is here already: a job may be what makes it."""
    words = launchers.replace_scripts(plan, lambda script: "")[:1]
    if words == plan.argv[:1] and words and "/" in words[0] and (plan.cwd / words[0]).is_file():
        entry.require_executable(plan.name, words[0], plan.cwd / words[0])


def _require_program(plan: ServicePlan) -> None:
    """Check the program of a service that installs nothing: it is here, or a job may put it into a mount."""
    needed = needs.of_service(plan.service, plan.image)
    if not plan.argv or plan.service.local.command is not None or needed.python or needed.node:
        return
    word = plan.argv[0]
    file = plan.cwd / word
    if "/" not in word:
        is_here = shutil.which(word, path=_search_path()) is not None or _belongs_to_server(plan, word)
    else:
        is_here = file.is_file() or any(file.is_relative_to(folder) for folder in plan.folders.values())
    if not is_here:
        raise NotRunnable(
            f"services.{plan.name}: its program {word!r} is not on this machine; "
            "what the build of an image makes is in that image alone.",
            hint='Add `x-local: {command: ["PROGRAM", "ARGUMENT"]}` to it, or use --engine docker.',
        )


def _belongs_to_server(plan: ServicePlan, program: str) -> bool:
    folders = servers.programs(base_image(plan.service, plan.image))
    return shutil.which(program, path=os.pathsep.join(map(str, folders))) is not None


def _search_path() -> str:
    return os.pathsep.join(
        (str(stand_ins.STARTERS), os.environ.get("PATH", os.defpath), str(stand_ins.FOLDER))
    )


def _require_programs(plan: ServicePlan) -> None:
    """Check the programs that the service's script calls and its image installs from packages."""
    script = launchers.script_text(plan)
    path = _search_path()
    base = base_image(plan.service, plan.image)
    for program in (*system_packages.installed(plan.image.build_commands), *system_packages.of_server(base)):
        is_command = plan.argv[:1] != () and posixpath.basename(plan.argv[0]) == program.name
        is_called = is_command or system_packages.calls(script, program.name)
        if is_called and shutil.which(program.name, path=path) is None:
            caller = "command" if is_command else "script"
            raise NotRunnable(
                f"services.{plan.name}: its {caller} calls {program.name}, which its image has "
                f"(package {program.package}) and this machine does not.",
                hint="Install it, give the service an x-local command, or use --engine docker.",
            )
