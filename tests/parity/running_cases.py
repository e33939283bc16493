"""Cases of a running stack: exits, recoveries, restarts, the output of ps, logs and exec."""

from __future__ import annotations

import json

from parity.case import CURL, Facts, case, needs, toy
from parity.toy_stack import ToyStack


@case(
    "killed while up",
    "Services end while the stack is up, by a signal, with a code: is it noticed and named?",
    services={"one": toy(init=True), "two": toy(), "three": toy()},
    expected={
        "one after SIGKILL": "exited: killed by SIGKILL: out of memory?",
        "two after code 7": "exited: exited with code 7",
        "ps of one": "exited",
        "ps of three": "ready",
        "three still answers": "well",
        "exit code of health": "1",
        "left after down": "nothing",
    },
)
def killed_while_up(stack: ToyStack) -> Facts:
    stack.require_up()
    stack.get("one", "/die?signal=9")
    stack.get("two", "/die?code=7")
    stack.wait_for_state("one", "exited")
    stack.wait_for_state("two", "exited")
    facts = {
        "one after SIGKILL": stack.verdict("one"),
        "two after code 7": stack.verdict("two"),
        "ps of one": stack.state("one"),
        "ps of three": stack.state("three"),
        "three still answers": stack.get("three", "/health"),
        "exit code of health": str(stack.run("health").code),
    }
    stack.down("--volumes")
    return facts | {"left after down": stack.leftovers()}


@case(
    "restart policy",
    "`restart: on-failure:2` brings a service back twice, and no more.",
    services={"web": toy(restart="on-failure:2"), "steady": toy()},
    expected={
        "story": "starting > ready > exited > restarting > starting > ready > exited > restarting"
        " > starting > ready > exited",
        "it answers after the first death": "well",
        "left after down": "nothing",
    },
)
def restart_policy(stack: ToyStack) -> Facts:
    stack.require_up()
    answers = ""
    for number in (1, 2, 3):
        stack.get("web", "/die?code=1")
        stack.wait(lambda number=number: stack.history("web").count("exited") == number)  # type: ignore[misc]
        if number < 3:
            stack.wait(lambda number=number: stack.history("web").count("ready") == number + 1)  # type: ignore[misc]
        if number == 1:
            answers = stack.get("web", "/health")
    facts = {"story": stack.history("web"), "it answers after the first death": answers}
    stack.down("--volumes")
    return facts | {"left after down": stack.leftovers()}


@case(
    "lies and recovers",
    "A health check fails while the service is up, then succeeds again.",
    services={
        "web": toy(check=CURL | {"interval": "300ms", "retries": 2}),
        "slow": toy(
            check=CURL | {"interval": "2s", "retries": 5, "start_period": "0s"},
            environment={"FAILS_S": "1.5"},
        ),
    },
    expected={
        "story": "starting > ready > unhealthy > ready",
        "slow at the start": "starting > ready",
        "ps at last": "ready",
    },
)
def lies_and_recovers(stack: ToyStack) -> Facts:
    stack.require_up()
    stack.get("web", "/unwell?seconds=600")
    stack.wait_for_state("web", "unhealthy")
    stack.get("web", "/unwell?seconds=0")
    stack.wait_for_state("web", "ready")
    return {
        "story": stack.history("web"),
        "slow at the start": stack.history("slow"),
        "ps at last": stack.state("web"),
    }


@case(
    "stop, start, restart",
    "One service is stopped, started, restarted; its neighbours are left alone.",
    services={"web": toy(depends_on=needs(store="healthy")), "store": toy()},
    expected={
        "exit codes": "0 0 0",
        "store, stopped": "stopped",
        "web meanwhile": "ready",
        "store, asked while stopped": "ConnectionRefusedError",
        "store, started": "well",
        "log of store": "serving | told to end by SIGTERM | serving | told to end by SIGTERM | serving",
        "log of web": "serving",
    },
)
def stop_start_restart(stack: ToyStack) -> Facts:
    stack.require_up()
    stopped = stack.run("stop", "store")
    meanwhile = {"store, stopped": stack.state("store"), "web meanwhile": stack.state("web")}
    asked = stack.get("store", "/health")
    started = stack.run("start", "store")
    answer = stack.get("store", "/health")
    restarted = stack.run("restart", "store")
    return {
        "exit codes": f"{stopped.code} {started.code} {restarted.code}",
        **meanwhile,
        "store, asked while stopped": asked,
        "store, started": answer,
        "log of store": stack.log("store", once_it_ends="serving"),
        "log of web": stack.log("web"),
    }


@case(
    "ps",
    "What does `ps --format json` say?",
    services={"web": toy(depends_on=needs(job="completed")), "job": toy("job", "0")},
    expected={
        "services": "job web",
        "states": "completed ready",
        "columns": "detail ports service since state",
        "ports of web": "127.0.0.1->8000",
        "ports of job": "",
        "after down": "[]",
    },
)
def ps(stack: ToyStack) -> Facts:
    stack.require_up()
    rows = json.loads(stack.run("ps").out)
    by_name = {row["service"]: row for row in rows}
    host = str(stack.ports("web")[8000])
    stack.down("--volumes")
    return {
        "services": " ".join(row["service"] for row in rows),
        "states": " ".join(row["state"] for row in rows),
        "columns": " ".join(sorted(rows[0])),
        "ports of web": by_name["web"]["ports"].replace(f":{host}", ""),
        "ports of job": by_name["job"]["ports"],
        "after down": stack.run("ps").out.strip(),
    }


@case(
    "logs",
    "Are both streams there, in order, and do they stay after the end?",
    services={"web": toy(environment={"GREETING": "umlaut ü"})},
    expected={
        "standard output": "serving umlaut ü | first | second | told to end by SIGTERM",
        "standard error": "FIRST | SECOND",
        "exit code": "0",
        "lines of `logs web`": "6",
        "`logs` of a service that is not": "13",
    },
)
def logs(stack: ToyStack) -> Facts:
    stack.require_up()
    for word in ("first", "second"):
        stack.get("web", f"/say?text={word}")
    stack.down("--volumes")
    shown = stack.run("logs", "web")
    written = stack.log("web").split(" | ")
    return {
        "standard output": " | ".join(line for line in written if not line.isupper()),
        "standard error": " | ".join(line for line in written if line.isupper()),
        "exit code": str(shown.code),
        "lines of `logs web`": str(len(shown.out.splitlines())),
        "`logs` of a service that is not": str(stack.run("logs", "absent").code),
    }


@case(
    "exec",
    "Does a command run in the service's place: output, exit code, environment?",
    services={"web": toy(environment={"GREETING": "hello"})},
    expected={
        "output": "hello",
        "exit code": "9",
        "a path of the place": "/toys/toy.py is there",
        "the service, by its own name for itself": "well",
        "a program that is not there": "17",
        "a service that is not there": "13",
        "after down": "26",
    },
)
def execute(stack: ToyStack) -> Facts:
    stack.require_up()
    greeting = stack.run("exec", "web", "--command", "sh -c 'echo $GREETING; exit 9'")
    path = stack.run("exec", "web", "--command", "sh -c 'test -f /toys/toy.py && echo is there'")
    read = 'import urllib.request as r; print(r.urlopen("http://localhost:8000/health").read().decode())'
    itself = stack.run("exec", "web", "--command", f"python3 -c '{read}'")
    missing = stack.run("exec", "web", "--command", "no-such-program")
    no_service = stack.run("exec", "absent", "--command", "true")
    stack.down("--volumes")
    return {
        "output": greeting.out.strip(),
        "exit code": str(greeting.code),
        "a path of the place": f"/toys/toy.py {path.out.strip()}",
        "the service, by its own name for itself": itself.out.strip(),
        "a program that is not there": str(missing.code),
        "a service that is not there": str(no_service.code),
        "after down": str(stack.run("exec", "web", "--command", "true").code),
    }


@case(
    "stop signal",
    "`stop_signal` is what the service receives, and down waits for it.",
    services={"web": toy(stop_signal="SIGINT")},
    expected={"log": "serving | told to end by SIGINT", "exit code of down": "0", "left": "nothing"},
)
def stop_signal(stack: ToyStack) -> Facts:
    stack.require_up()
    down = stack.down("--volumes")
    return {"log": stack.log("web"), "exit code of down": str(down.code), "left": stack.leftovers()}
