"""Cases of a stack that is up: deaths, recoveries, restarts, what ps, logs and exec say."""

from __future__ import annotations

import json

from parity.case import CURL, Facts, case, needs, toy
from parity.stage import Stage


@case(
    "killed while up",
    "Services end while the stack is up, by a signal, with a code: is it seen and named?",
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
def killed_while_up(stage: Stage) -> Facts:
    stage.must_up()
    stage.get("one", "/die?signal=9")
    stage.get("two", "/die?code=7")
    stage.came_to("one", "exited")
    stage.came_to("two", "exited")
    facts = {
        "one after SIGKILL": stage.verdict("one"),
        "two after code 7": stage.verdict("two"),
        "ps of one": stage.state("one"),
        "ps of three": stage.state("three"),
        "three still answers": stage.get("three", "/health"),
        "exit code of health": str(stage.run("health").code),
    }
    stage.down("--volumes")
    return facts | {"left after down": stage.left()}


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
def restart_policy(stage: Stage) -> Facts:
    stage.must_up()
    answers = ""
    for number in (1, 2, 3):
        stage.get("web", "/die?code=1")
        stage.wait(lambda number=number: stage.story("web").count("exited") == number)  # type: ignore[misc]
        if number < 3:
            stage.wait(lambda number=number: stage.story("web").count("ready") == number + 1)  # type: ignore[misc]
        if number == 1:
            answers = stage.get("web", "/health")
    facts = {"story": stage.story("web"), "it answers after the first death": answers}
    stage.down("--volumes")
    return facts | {"left after down": stage.left()}


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
def lies_and_recovers(stage: Stage) -> Facts:
    stage.must_up()
    stage.get("web", "/unwell?seconds=2.5")
    stage.came_to("web", "unhealthy")
    stage.came_to("web", "ready")
    return {
        "story": stage.story("web"),
        "slow at the start": stage.story("slow"),
        "ps at last": stage.state("web"),
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
def stop_start_restart(stage: Stage) -> Facts:
    stage.must_up()
    stopped = stage.run("stop", "store")
    meanwhile = {"store, stopped": stage.state("store"), "web meanwhile": stage.state("web")}
    asked = stage.get("store", "/health")
    started = stage.run("start", "store")
    answer = stage.get("store", "/health")
    restarted = stage.run("restart", "store")
    return {
        "exit codes": f"{stopped.code} {started.code} {restarted.code}",
        **meanwhile,
        "store, asked while stopped": asked,
        "store, started": answer,
        "log of store": stage.log("store", once_it_ends="serving"),
        "log of web": stage.log("web"),
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
def ps(stage: Stage) -> Facts:
    stage.must_up()
    rows = json.loads(stage.run("ps").out)
    by_name = {row["service"]: row for row in rows}
    host = str(stage.ports("web")[8000])
    stage.down("--volumes")
    return {
        "services": " ".join(row["service"] for row in rows),
        "states": " ".join(row["state"] for row in rows),
        "columns": " ".join(sorted(rows[0])),
        "ports of web": by_name["web"]["ports"].replace(f":{host}", ""),
        "ports of job": by_name["job"]["ports"],
        "after down": stage.run("ps").out.strip(),
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
def logs(stage: Stage) -> Facts:
    stage.must_up()
    for word in ("first", "second"):
        stage.get("web", f"/say?text={word}")
    stage.down("--volumes")
    shown = stage.run("logs", "web")
    written = stage.log("web").split(" | ")
    return {
        "standard output": " | ".join(line for line in written if not line.isupper()),
        "standard error": " | ".join(line for line in written if line.isupper()),
        "exit code": str(shown.code),
        "lines of `logs web`": str(len(shown.out.splitlines())),
        "`logs` of a service that is not": str(stage.run("logs", "nobody").code),
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
def execute(stage: Stage) -> Facts:
    stage.must_up()
    greeting = stage.run("exec", "web", "--command", "sh -c 'echo $GREETING; exit 9'")
    path = stage.run("exec", "web", "--command", "sh -c 'test -f /toys/toy.py && echo is there'")
    read = 'import urllib.request as r; print(r.urlopen("http://localhost:8000/health").read().decode())'
    itself = stage.run("exec", "web", "--command", f"python3 -c '{read}'")
    missing = stage.run("exec", "web", "--command", "no-such-program")
    nobody = stage.run("exec", "nobody", "--command", "true")
    stage.down("--volumes")
    return {
        "output": greeting.out.strip(),
        "exit code": str(greeting.code),
        "a path of the place": f"/toys/toy.py {path.out.strip()}",
        "the service, by its own name for itself": itself.out.strip(),
        "a program that is not there": str(missing.code),
        "a service that is not there": str(nobody.code),
        "after down": str(stage.run("exec", "web", "--command", "true").code),
    }


@case(
    "stop signal",
    "`stop_signal` is what the service receives, and down waits for it.",
    services={"web": toy(stop_signal="SIGINT")},
    expected={"log": "serving | told to end by SIGINT", "exit code of down": "0", "left": "nothing"},
)
def stop_signal(stage: Stage) -> Facts:
    stage.must_up()
    down = stage.down("--volumes")
    return {"log": stage.log("web"), "exit code of down": str(down.code), "left": stage.left()}
