"""Cases of the start: order, one-shot jobs, failures and their names."""

from __future__ import annotations

from parity.case import CURL, Facts, case, needs, toy
from parity.toy_stack import ToyStack


@case(
    "start order",
    "Does each service start when its needs are met, and not before?",
    services={
        "gateway": toy(depends_on=needs(backend="healthy")),
        "backend": toy(
            depends_on=needs(store="healthy", migrate="completed"), environment={"FAILS_S": "0.5"}
        ),
        "migrate": toy("job", "0", depends_on=needs(store="started")),
        "store": toy(),
    },
    expected={
        "exit code of up": "0",
        "started": "store migrate backend gateway",
        "backend was unwell first": "yes",
        "verdicts": "completed ready ready ready",
        "left after down": "nothing",
    },
)
def start_order(stack: ToyStack) -> Facts:
    up = stack.up()
    order = stack.order("starting")
    waited = stack.seconds("backend", "ready") >= 0.4
    verdicts = sorted(stack.verdict(name) for name in ("store", "migrate", "backend", "gateway"))
    stack.down("--volumes")
    return {
        "exit code of up": str(up.code),
        "started": order,
        "backend was unwell first": "yes" if waited else "no",
        "verdicts": " ".join(verdicts),
        "left after down": stack.leftovers(),
    }


@case(
    "failed job",
    "A one-shot job that others wait for fails: what is reported, and what is left?",
    services={
        "web": toy(depends_on=needs(migrate="completed")),
        "migrate": toy("job", "7"),
    },
    expected={
        "exit code of up": "3",
        "migrate": "exited: exited with code 7",
        "web": "dependency failed: dependency migrate failed",
        "log of migrate": "job begins | job ends",
        "last lines are shown": "yes",
        "left": "nothing",
    },
)
def failed_job(stack: ToyStack) -> Facts:
    up = stack.up()
    return {
        "exit code of up": str(up.code),
        "migrate": stack.verdict("migrate"),
        "web": stack.verdict("web"),
        "log of migrate": stack.log("migrate"),
        "last lines are shown": "yes" if "| job ends" in up.out else "no",
        "left": stack.leftovers(),
    }


@case(
    "dies at the start",
    "A service ends with an error before it is ready: how soon is that reported?",
    services={"web": toy(environment={"DIES": "5"}), "other": toy()},
    expected={
        "exit code of up": "3",
        "web": "exited: exited with code 5",
        "log of web": "cannot go on",
        "reported within 1 s of the end": "yes",
        "left": "nothing",
    },
)
def dies_at_the_start(stack: ToyStack) -> Facts:
    up = stack.up()
    return {
        "exit code of up": str(up.code),
        "web": stack.verdict("web"),
        "log of web": stack.log("web"),
        "reported within 1 s of the end": "yes" if stack.seconds("web", "exited") < 3.0 else "no",
        "left": stack.leftovers(),
    }


@case(
    "ends with 0",
    "A service that was meant to stay ends with 0: is that distinguished from a job?",
    services={"web": toy(environment={"DIES": "0"})},
    expected={
        "exit code of up": "3",
        "web": "exited: ended on its own with exit code 0, but it has a health check, so it is no job",
    },
)
def ends_with_0(stack: ToyStack) -> Facts:
    up = stack.up()
    return {"exit code of up": str(up.code), "web": stack.verdict("web")}


@case(
    "hangs",
    "A service accepts connections and never answers: is that distinguished from a service that is down?",
    services={"web": toy(environment={"HANGS": "1"})},
    expected={"exit code of up": "5", "web": "timed out", "it is reported to hang": "yes", "left": "nothing"},
)
def hangs(stack: ToyStack) -> Facts:
    up = stack.up("--timeout", "4")
    return {
        "exit code of up": str(up.code),
        "web": stack.verdict("web"),
        "it is reported to hang": "yes" if "accepts connections but hangs" in up.out else "no",
        "left": stack.leftovers(),
    }


@case(
    "no such program",
    "The command does not exist: what is reported?",
    services={
        "web": toy(command=["no-such-program"], **{"x-local": {"command": ["no-such-program"]}}),
    },
    expected={"exit code of up": "17", "the program is named": "yes", "left": "nothing"},
)
def no_such_program(stack: ToyStack) -> Facts:
    up = stack.up()
    output = up.out + up.err
    return {
        "exit code of up": str(up.code),
        "the program is named": "yes" if "no-such-program" in output else "no",
        "left": stack.leftovers(),
    }


@case(
    "start_period",
    "Failures within start_period do not count; the same failures without one do.",
    services={
        "patient": toy(check=CURL | {"retries": 1, "interval": "500ms"}, environment={"FAILS_S": "2"}),
        "strict": toy(
            check=CURL | {"retries": 1, "interval": "500ms", "start_period": "0s"},
            environment={"FAILS_S": "30"},
        ),
    },
    expected={
        "exit code of up": "6",
        "patient": "ready",
        "strict": "unhealthy",
        "strict is given up within 5 s": "yes",
        "left": "nothing",
    },
)
def start_period(stack: ToyStack) -> Facts:
    up = stack.up()
    return {
        "exit code of up": str(up.code),
        "patient": stack.verdict("patient"),
        "strict": stack.verdict("strict"),
        "strict is given up within 5 s": "yes" if stack.seconds("strict", "unhealthy") < 5.0 else "no",
        "left": stack.leftovers(),
    }


@case(
    "executed health check",
    "A health check that is no known idiom is executed in the service's place.",
    services={
        "web": toy(
            check={
                "test": ["CMD-SHELL", "test -f $$MARK || { echo no mark; exit 1; }"],
                "interval": "500ms",
                "retries": 2,
            },
            environment={"MARK": "/toys/toy.py"},
        ),
        "unmarked": toy(
            check={
                "test": ["CMD-SHELL", "test -f $$MARK || { echo no mark; exit 1; }"],
                "interval": "500ms",
                "retries": 2,
            },
            environment={"MARK": "/toys/nothing"},
        ),
    },
    expected={
        "exit code of up": "6",
        "web": "ready",
        "unmarked": "unhealthy",
        "its output is shown": "yes",
    },
)
def executed_health_check(stack: ToyStack) -> Facts:
    up = stack.up()
    return {
        "exit code of up": str(up.code),
        "web": stack.verdict("web"),
        "unmarked": stack.verdict("unmarked"),
        "its output is shown": "yes" if "no mark" in up.out else "no",
    }


SLOW_INIT = "SELECT pg_sleep(6);\nCREATE TABLE seeded (number int);\n"


def postgres(check: list[str]) -> dict[str, object]:
    """Return a compose service that runs Postgres with a slow script for its new volume."""
    return {
        "image": "postgres:15",
        "environment": {"POSTGRES_PASSWORD": "parity", "PGPASSWORD": "parity"},
        "volumes": ["../init:/docker-entrypoint-initdb.d:ro"],
        "ports": ["127.0.0.1::5432"],
        "healthcheck": {**CURL, "test": check},
    }


@case(
    "new database",
    "Is the server that initialises a new volume taken for the real one?",
    services={
        "asked": postgres(["CMD-SHELL", "pg_isready -U postgres"]),
        "executed": postgres(["CMD-SHELL", "psql -U postgres -c 'SELECT 1' | grep 1"]),
    },
    overrides={"init/seed.sql": SLOW_INIT},
    expected={
        "asked": "ready after its script",
        "executed": "ready after its script",
        "tables": "1 1",
    },
)
def new_database(stack: ToyStack) -> Facts:
    stack.require_up()
    words = (
        "psql -h localhost -U postgres -At -c \"SELECT count(*) FROM pg_tables WHERE tablename = 'seeded'\""
    )
    tables = [stack.run("exec", name, "--command", words).out.strip() for name in ("asked", "executed")]
    late = {name: stack.seconds(name, "ready") >= 6 for name in ("asked", "executed")}
    return {
        **{name: "ready after its script" if wait else "ready too soon" for name, wait in late.items()},
        "tables": " ".join(tables),
    }
