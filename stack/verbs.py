"""The verbs of `inv`: each finds the stack that is meant, does one thing, and says what came of it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stack import compose, control, engines, plan, recorder, report, stacks, state, transcript, workplace
from stack import logs as records
from stack.errors import NotDisposable, StackError, UnknownService
from stack.stacks import Choice
from stack.state import StackState

execute, psql, redis_cli = workplace.execute, workplace.psql, workplace.redis_cli


def up(choice: Choice, service: str, *, timeout_s: float, watch: bool) -> None:
    """Bring the stack up, say where it is, and with ``watch`` stay to reload what is saved."""
    began = time.monotonic()
    shown = report.Progress()
    kept, already = stacks.up(choice, [service] if service else [], deadline_s=timeout_s, show=shown.show)
    if already:
        report.say(f"{kept.name} is up already ({kept.engine})")
    else:
        report.say(f"{kept.name} is up on {kept.engine} in {time.monotonic() - began:.1f} s")
    for line in report.addresses(kept):
        report.say(line)
    if watch:
        from stack import reload

        reload.watch(kept, say=report.say)


def down(choice: Choice, *, volumes: bool) -> None:
    """End the stack and say what was kept; nothing up is not an error."""
    name = stacks.meant(choice)
    kept = state.read(name)
    if kept is None:
        if volumes:
            _forget_data(name)
            report.say(f"{name} was not up; its data is removed")
        else:
            report.say(f"Nothing to end. {control.not_up(name)}")
        return
    began = time.monotonic()
    control.end(kept, volumes=volumes)
    recorder.finish(Path(kept.run), outcome="ended")
    data = "its data is removed" if volumes or kept.ephemeral else "its data is kept"
    report.say(f"{name} is down in {time.monotonic() - began:.1f} s; {data}")


def _forget_data(name: str) -> None:
    """Remove what a stack that is not up has kept, on whatever engine it was."""
    state.forget(name, volumes=True)
    for engine in engines.NAMES:
        if engine != "local" and engines.why_not(engine) is None:
            engines.remove_leftovers(engine, name, volumes=True)


def change(choice: Choice, verb: str, service: str) -> None:
    """Stop, start or restart services of the stack."""
    kept = stacks.found(stacks.meant(choice))
    stacks.change(kept, verb, [service] if service else [])
    past = {"stop": "stopped", "start": "started and ready", "restart": "restarted and ready"}[verb]
    report.say(f"{service or 'all services'}: {past}")


def build(choice: Choice, *, no_cache: bool) -> None:
    """Make what the stack's services are run from."""
    from stack import building

    engine = engines.choose(choice.engine)
    loaded = compose.load(*map(Path, choice.files()), env_file=Path(choice.env_file()))
    building.build(loaded, engine, no_cache=no_cache, say=report.say)


def ps(choice: Choice, *, as_json: bool) -> None:
    """List the services of the stack."""
    name = stacks.meant(choice)
    kept = control.alive(name)
    rows = [] if kept is None else [_row(item) for item in stacks.status(kept)]
    if as_json:
        report.say(json.dumps(rows, indent=1))
    elif not rows:
        report.say(str(control.not_up(name)))
    else:
        report.say(report.table(rows, ["service", "state", "since", "ports", "detail"]))


def _row(item: stacks.ServiceStatus) -> dict[str, str]:
    return {
        "service": item.service,
        "state": item.state,
        "since": report.age(stacks.elapsed(item.since)),
        "ports": ", ".join(f"127.0.0.1:{host}->{target}" for target, host in item.ports.items()),
        "detail": item.text[:60],
    }


def list_stacks(*, as_json: bool) -> None:
    """List every stack of this machine."""
    from stack import usage

    rows = [usage.stack_row(kept) for kept in stacks.living()]
    columns = ["name", "engine", "work_tree", "age", "health", "memory", "ports"]
    if as_json:
        report.say(json.dumps(rows, indent=1))
    else:
        report.say(report.table(rows, columns) if rows else "no stack is up on this machine")


def show_logs(run: Path, names: list[str], *, after: str, tail: int) -> str:
    """Print what is there; answers the time of the last line."""
    rows = [row for row in records.merged(run, names) if row[0] > after]
    for row in rows[-tail:] if tail else rows:
        report.say(transcript.entry(*row))
    return rows[-1][0] if rows else after


def logs(choice: Choice, service: str, *, follow: bool, since: str, tail: int) -> None:
    """Show the logs of the newest run, and go on where asked."""
    name = stacks.meant(choice)
    run = stacks.last_run(choice, name)
    if run is None:
        report.say(f"{name} has not run here yet; start it with `inv up`")
        return
    known = records.services(run)
    if service and service not in known:
        raise UnknownService(f"There is no log of {service!r}.", hint=f"Services: {', '.join(known)}.")
    chosen = [service] if service else known
    last = show_logs(run, chosen, after=_since(since), tail=tail)
    while follow and control.alive(name) is not None:
        time.sleep(0.1)
        last = show_logs(run, chosen, after=last, tail=0)


def _since(text: str) -> str:
    if not text:
        return ""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    if unit is None or not text[:-1].isdigit():
        raise StackError(f"--since {text!r} is not a duration.", hint="Write 30s, 10m, 2h or 1d.")
    moment = datetime.now(UTC) - timedelta(seconds=int(text[:-1]) * unit)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def health(choice: Choice) -> int:
    """Ask every service now and say what it answers; 1 where one is not well."""
    from stack import usage

    kept = stacks.found(stacks.meant(choice))
    rows = usage.ask_all(workplace.plan_of(kept), kept)
    report.say(report.table(rows, ["service", "health", "answer", "ms"]))
    return 0 if all(row["health"] in {"ok", "-"} for row in rows) else 1


def stats(choice: Choice) -> None:
    """Show what each service uses."""
    from stack import usage

    rows = usage.service_rows(stacks.found(stacks.meant(choice)))
    report.say(report.table(rows, ["service", "processes", "cpu", "memory"]))


def reset_db(choice: Choice) -> None:
    """Give the stack a fresh database; refuses whatever is not a living stack of ours."""
    from stack import reset

    began = time.monotonic()
    kept = stacks.found(stacks.meant(choice))
    _must_be_ours(kept)
    what = reset.database_of(kept)
    report.say(f"{kept.name}: {what} is fresh, migrated and seeded ({time.monotonic() - began:.1f} s)")


def prune(*, everything: bool) -> None:
    """Remove what ended stacks left; with ``everything`` end the living ones too, data included."""
    if everything:
        for name in state.names():
            kept = state.read(name)
            if kept is not None:
                control.end(kept, volumes=True)
                report.say(f"{name} is ended, its data removed")
    from stack import leftovers

    for sentence in (*leftovers.remove(data=everything), *engines.remove_images()):
        report.say(sentence)
    report.say("nothing of ended stacks is left")


def config(choice: Choice, *, dry_run: bool) -> None:
    """Show the compose files as they are understood, or the plan."""
    loaded = compose.load(
        *map(Path, choice.files()), profiles=choice.profiles, env_file=Path(choice.env_file())
    )
    engine = engines.choose(choice.engine)
    name = stacks.name_of(choice)
    targets = plan.targets(loaded, loaded.services, engine=engine)
    wanted = {(s.name, p.target): p.published for s in loaded.services.values() for p in s.ports}
    ports = {s: {t: wanted.get((s, t)) or 0 for t in table} for s, table in targets.items()}
    made = plan.make(loaded, name=name, engine=engine, services=loaded.services, ports=ports, folders={})
    report.say(plan.describe(made) if dry_run else report.stack(loaded))


def _must_be_ours(kept: StackState) -> None:
    if control.alive(kept.name) is None:
        raise NotDisposable(
            f"{kept.name} is not a living stack of this machine.", hint="Start it with `inv up`."
        )
