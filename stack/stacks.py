"""What people do with a stack: bring it up, look at it, end it. Every verb sweeps leftovers first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack import control, engines, interrupts, journal, names, recorder, state
from stack.control import Launched
from stack.errors import ServiceFailed, StackError, UnknownService, UnknownStack, UpElsewhere
from stack.journal import Event
from stack.places import state_home
from stack.request import Request
from stack.state import StackState

Show = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which stack a command means: a kind (``local``, ``ci``), a work tree, an engine."""

    kind: str = "local"
    engine: str = "auto"
    work_tree: Path = control.ROOT
    extra_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        return f"ecommerce-{self.kind}"

    def files(self) -> tuple[str, ...]:
        """Answer the compose files, the first being the kind's own.

        Raises:
            UnknownStack: there is no compose file for that kind.
        """
        main = self.work_tree / "compose" / f"docker-compose.{self.kind}.yml"
        if not main.is_file():
            kinds = sorted(p.name.split(".")[1] for p in main.parent.glob("docker-compose.*.yml"))
            raise UnknownStack(f"There is no stack {self.kind!r}.", hint=f"Stacks: {', '.join(kinds)}.")
        return (str(main), *(str(Path(extra).resolve()) for extra in self.extra_files))

    def env_file(self) -> str:
        return str(self.work_tree / ".env.local")


def name_of(choice: Choice) -> str:
    """Answer the name of the detached stack of this choice."""
    return os.environ.get("STACK_NAME") or names.of_work_tree(choice.project, choice.work_tree)


def meant(choice: Choice) -> str:
    """Answer the name of the stack that is meant: a kind means this work tree's, any other word is a name."""
    return choice.kind if choice.kind in state.names() else name_of(choice)


def request(choice: Choice, *, services: Sequence[str] = (), ephemeral: bool, deadline_s: float) -> Request:
    """Answer what the guardian is to hold.

    Raises:
        UnknownStack, UnknownEngine, EngineUnavailable: the choice cannot be met.
    """
    files = choice.files()
    engine = engines.choose(choice.engine)
    name = names.ephemeral(choice.project) if ephemeral else name_of(choice)
    return Request(
        name=name,
        files=files,
        engine=engine,
        work_tree=str(choice.work_tree),
        run=str(control.new_run(choice.work_tree, name)),
        env_file=choice.env_file(),
        profiles=choice.profiles,
        services=tuple(services),
        ephemeral=ephemeral,
        deadline_s=deadline_s,
    )


def wait_until_up(launched: Launched, show: Show) -> list[Event]:
    """Follow a guardian until its stack is up; answers the events so far.

    Raises:
        ServiceFailed: a service did not become ready. Its account is in the events.
        StackError: whatever else the guardian could not do.
    """
    recorder.begin(launched.run)  # while the guardian starts
    seen: list[Event] = []
    problem: Event | None = None
    for event in launched.events():
        seen.append(event)
        show(event)
        if event.kind == "error" and problem is None:
            problem = event
        if event.kind == "stack" and event.state == "up":
            return seen
    if problem is not None:
        raise _Reported(problem)
    if any(event.kind == "stack" and event.state == "failed" for event in seen):
        raise StartFailed(seen, launched.run)
    output = (launched.run / "guardian.log").read_text(errors="replace").strip().splitlines()
    last = output[-1] if output else "it wrote nothing"
    raise ServiceFailed(f"The guardian ended before the stack was up: {last}.", hint=f"See {launched.run}.")


class StartFailed(ServiceFailed):
    """A service did not become ready; carries the events and the run's folder."""

    def __init__(self, events: list[Event], run: Path) -> None:
        first = next((e.text for e in events if e.kind == "stack" and e.state == "failed"), "")
        super().__init__(f"The stack did not come up: {first}", hint=f"Everything that was seen is in {run}.")
        self.events, self.run = events, run


class _Reported(StackError):
    """An error that the guardian met, with its own exit code."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.text, hint=event.hint)
        self.code = event.code or 1  # type: ignore[misc]


def up(choice: Choice, services: Sequence[str], *, deadline_s: float, show: Show) -> tuple[StackState, bool]:
    """Bring the detached stack up; answers its state, and whether it was up already.

    Raises:
        UpElsewhere: it is up on another engine than the one that was asked for.
        StackError: see ``wait_until_up``.
    """
    from filelock import FileLock

    name = name_of(choice)
    locks = state_home() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / name, timeout=deadline_s + 60):
        if (kept := control.alive(name)) is not None and kept.phase in {"up", "starting"}:
            _must_be_on(choice.engine, kept)
            return kept, True
        if kept is not None:
            control.end(kept)  # it is on its way down; there is one stack of a name at a time
        asked = request(choice, services=services, ephemeral=False, deadline_s=deadline_s)
        _bring_up(asked, show)
    return found(name), False


def _bring_up(asked: Request, show: Show) -> None:
    with interrupts.held() as release:
        launched = control.launch(asked)
        try:
            release()
            wait_until_up(launched, show)
            launched.keep()
        except KeyboardInterrupt:
            interrupts.no_more()
            launched.hurry()
            for event in launched.events():
                show(event)
            raise
        except StackError as problem:
            recorder.finish(launched.run, outcome=f"failed: {problem.message}")
            raise


def _must_be_on(engine: str, kept: StackState) -> None:
    if engine not in {"auto", kept.engine}:
        raise UpElsewhere(
            f"{kept.name} is up already, on {kept.engine}.",
            hint=f"End it first: `inv down --stack {kept.name}`; its data stays with that engine.",
        )


def found(name: str) -> StackState:
    """Answer the living stack of that name.

    Raises:
        NotUp: there is none.
    """
    kept = control.alive(name)
    if kept is None:
        raise control.not_up(name)
    return kept


def living() -> Iterator[StackState]:
    """Answer every living stack of this machine that this user may see."""
    for name in state.names():
        kept = control.alive(name)
        if kept is not None:
            yield kept


def change(kept: StackState, verb: str, services: Sequence[str]) -> None:
    """Stop, start or restart services.

    Raises:
        UnknownService: a name that the stack does not have.
        ServiceFailed: one did not become ready again.
    """
    known = list(kept.ports) or []
    for name in services:
        if name not in known:
            raise UnknownService(
                f"There is no service {name!r} in {kept.name}.", hint=f"Services: {', '.join(known)}."
            )
    answer = control.ask(kept.name, verb, list(services or known))
    if not answer["ok"]:
        failed = ", ".join(answer.get("failed", [])) or answer.get("error", "")
        raise ServiceFailed(f"Not ready after {verb}: {failed}.", hint="See `inv logs`.")


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One service as people see it. ``since`` is seconds since the epoch."""

    service: str
    state: str
    text: str
    since: float
    ports: dict[int, int]


def status(kept: StackState) -> list[ServiceStatus]:
    """Answer each service's last state, in the order in which they were started."""
    last = {e.service: e for e in journal.read(Path(kept.run)) if e.kind == "service"}
    return [
        ServiceStatus(
            service=name,
            state=last[name].state if name in last else "waiting",
            text=last[name].text if name in last else "",
            since=last[name].at if name in last else kept.created,
            ports={int(target): port for target, port in table.items()},
        )
        for name, table in kept.ports.items()
    ]


def last_run(choice: Choice, name: str) -> Path | None:
    """Answer the folder of the newest run of a stack, running or not."""
    kept = control.alive(name)
    if kept is not None:
        return Path(kept.run)
    kept_runs = choice.work_tree / ".stack" / "runs"
    runs = sorted(kept_runs.glob(f"*-{name}*")) or sorted(kept_runs.glob(f"*-{choice.project}-*"))
    return runs[-1] if runs else None


def elapsed(since: float) -> float:
    return time.time() - since
