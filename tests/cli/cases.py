"""What is typed, and what it prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command, its exit code, and patterns that its output and its errors match (no pattern: empty)."""

    typed: str
    code: int = 0
    out: str = ""
    err: str = ""


SERVICES = "postgres, redis, backend, worker, api-gateway"

LISTINGS = (
    Case(typed="ps", out=r"SERVICE +STATE +SINCE +PORTS +DETAIL\n(.*\n)*backend +ready "),
    Case(typed="ps postgres", out=r"SERVICE .*\npostgres +ready .*\n"),
    Case(typed="ps --service redis --json", out=r'\[\n \{\n  "service": "redis",\n  "state": "ready",'),
    Case(typed="ps --format json", out=r'"service": "api-gateway",\n  "state": "ready"'),
    Case(typed="ps --format table", out=r"SERVICE +STATE"),
    Case(typed="ps --stack local", out=r"backend +ready"),
    Case(typed="stacks", out=r"NAME .*\n(.*\n)*cli-\w+ +{engine} .* 5/5 ready "),
    Case(typed="stacks --json", out=r'"name": "cli-\w+",\n  "engine": "{engine}"'),
    Case(typed="logs backend --tail 1", out=r"^\d\d:\d\d:\d\d\.\d{3} backend +\| .*\n(?!\d\d:\d\d:\d\d)"),
    Case(typed="logs --service redis --since 1h", out=r"redis +\| .*Ready to accept connections"),
    Case(
        typed="logs postgres --stack local --json --tail 1",
        out=r'^{"time": "\d{4}-.*Z", "service": "postgres", ',
    ),
    Case(typed="logs --grep 'ready to ACCEPT|Ready to accept' --until 2099-01-01T00:00", out=r"redis +\| "),
    Case(typed="logs backend --level info --run last --tail 1", out=r"backend +\| (info|warning) "),
    Case(typed="logs --request-id there-is-none --trace there-is-none", err=r"^No line of \S+ fits\.\n$"),
    Case(
        typed="runs", out=r"RUN +BEGAN +ENGINE +OUTCOME .*\n(.*\n)*\d{8}-\d{6}-cli-\w+ .* {engine} +running"
    ),
    Case(typed="runs list --json", out=r'"run": "\d{8}-\d{6}-cli-\w+",\n  "stack": "cli-\w+",'),
    Case(typed="runs diff last last", out=r"^Nothing failed or became slower in "),
    Case(typed="report", out=r"^/.*/\d{8}-\d{6}-cli-\w+/report\.html\n$"),
    Case(typed="report last --stack local", out=r"^/.*/report\.html\n$"),
    Case(typed="open admin", out=r"^http://127\.0\.0\.1:\d+/admin/\n$"),
    Case(
        typed="open --stack local",
        out=r"^  backend +http://.*\n(.*\n)*  dashboard +- cli-\w+ is up without its",
    ),
    Case(typed="health", out=r"SERVICE +HEALTH +ANSWER +MS\n(.*\n)*backend +ok +HTTP 200 +\d+"),
    Case(typed="health --json --stack local", out=r'"service": "redis",\n  "health": "ok",'),
    Case(typed="stats", out=r"SERVICE +PROCESSES +CPU +MEMORY\n(.*\n)*backend +\d+ +[\d.]+% +\S+"),
    Case(typed="stats --json --stack local", out=r'"service": "backend",\n  "processes": "\d+"'),
    Case(typed="config", out=r"ecommerce-local: .*docker-compose.local.yml\n  postgres: postgres:15"),
    Case(typed="config --json --stack ci", out=r'"name": "ecommerce-ci",'),
    Case(typed="config --dry-run --engine local", out=r'"engine": "local",\n "services"'),
)

WORK = (
    Case(typed="exec backend 'python -c \"print(6 * 7)\"'", out=r"^42\n"),
    Case(typed="exec backend 'sh -c \"exit 7\"' --stack local", code=7),
    Case(typed="exec backend 'sh -c \"kill -9 $$\"'", code=137),
    Case(typed="run backend 'python -c \"print(1)\"' --stack local", out=r"(^|\n)1\n$"),
    Case(typed='manage "showmigrations carts"', out=r"carts\n \[X\] 0001_initial\n"),
    Case(typed="exec backend 'curl -s http://api-gateway:8080/health'", out=r'"service": ?"api-gateway"'),
    Case(typed="test health --stack local", out=r"\n\d+ passed, \d+ deselected in "),
    Case(typed="test test_health", out=r"\n\d+ passed in "),
    Case(typed="manage check --stack local", out=r"System check identified no issues"),
    Case(typed='psql "select 6 * 7" --stack local', out=r"\n +42\n"),
    Case(typed='psql --command "select 1; select 2" --service postgres', out=r"\n +2\n"),
    Case(typed='psql "selec"', code=1, err=r"ERROR: +syntax error"),
    Case(typed='redis-cli "set cli-key 1" --stack local', out=r"^OK\n$"),
    Case(typed='redis-cli --command "get cli-key" --service redis', out=r'^"?1"?\n$'),
    Case(
        typed="seed --products 1005 --orders 2 --seed 7 --stack local",
        out=r"^(waiting for .*\n)?cli-\w+: 1005 products and 2 past orders \([\d.]+ s\)\n$",
    ),
    Case(typed="restart redis", out=r"^redis: restarted and ready\n$"),
    Case(typed="restart --service api-gateway --stack local", out=r"^api-gateway: restarted and ready\n$"),
    Case(typed="up", out=r"is up already \({engine}\)\n  BACKEND_URL +http://127\.0\.0\.1:\d+\n"),
    Case(typed="up backend", out=r"is up already"),
    Case(typed="build --engine {engine} --stack ci", out=r"backend"),
)

REFUSALS = (
    Case(typed="ps --stack nope", code=14, err=r"^error: There is no stack 'nope'\.\n +Stacks: ci, local"),
    Case(typed="down --stack ../../x", code=14, err=r"^error: There is no stack '\.\./\.\./x'\."),
    Case(typed="logs --stack nope", code=14, err=r"^error: There is no stack 'nope'\."),
    Case(
        typed="up --compose /nowhere/compose.yml", code=14, err=r"^error: There is no compose file /nowhere/"
    ),
    Case(typed="up --engine lxc", code=15, err=r"^error: There is no engine 'lxc'\."),
    Case(typed="up nope", code=13, err=r"^error: There is no service 'nope'\.\n +Services: {services}\."),
    Case(
        typed="up --profile tools",
        code=31,
        err=r"^error: cli-\w+ is up already, without the profile tools\.\n +End it first: `inv down",
    ),
    Case(
        typed="config --profile nope",
        code=32,
        err=r"^error: No service has the profile .nope.\.\n +Profiles: ",
    ),
    Case(typed="up --timeout banana", code=32, err=r"^error: --timeout 'banana' is not a number of seconds"),
    Case(typed="ps nope", code=13, err=r"^error: There is no service 'nope'\.\n +Services: {services}\."),
    Case(typed="ps --format xml", code=32, err=r"^error: There is no format 'xml'\.\n +Formats: table, json"),
    Case(typed="logs nope", code=13, err=r"^error: There is no log of 'nope'\."),
    Case(typed="logs --tail many", code=32, err=r"^error: --tail 'many' is not a whole number\."),
    Case(typed="logs --since yesterday", code=32, err=r"^error: --since 'yesterday' is not a time\."),
    Case(typed="logs --level loud", code=32, err=r"^error: --level 'loud' is no level\.\n +Levels: debug, "),
    Case(typed="logs --grep '('", code=32, err=r"^error: --grep '\(' is no regular expression"),
    Case(
        typed="logs --run nope", code=60, err=r"^error: No run has 'nope' in the name\.\n +`inv runs` lists"
    ),
    Case(typed="report nope", code=60, err=r"^error: No run has 'nope' in the name\."),
    Case(typed="runs diff", code=32, err=r"^error: `inv runs diff` is not understood\."),
    Case(typed="open nope", code=32, err=r"^error: There is no page 'nope'\.\n +Pages: backend, gateway"),
    Case(typed="open dashboard", code=26, err=r"^error: cli-\w+ is up without its dashboard\."),
    Case(
        typed="test there-is-no-such-test", code=4, out="deselected", err=r"^error: No integration test ran: "
    ),
    Case(
        typed="debug redis", code=17, err=r"^error: (redis is no Python service|inv debug runs services of)"
    ),
    Case(typed="seed --products many", code=32, err=r"^error: --products: 'many' is not a number"),
    Case(typed="restart nope", code=13, err=r"^error: There is no service 'nope'"),
    Case(typed="stop nope", code=13, err=r"^error: There is no service 'nope'"),
    Case(typed="start nope", code=13, err=r"^error: There is no service 'nope'"),
    Case(typed='exec backend "it\'s"', code=32, err=r"^error: The command `it's` cannot be split into words"),
    Case(typed="psql --service redis", code=13, err=r"^error: .* has no postgres service 'redis'\."),
    Case(typed='redis-cli "it\'s"', code=32, err=r"^error: The command `it's` cannot be split into words"),
    Case(typed="exec nope env", code=13, err=r"^error: There is no service 'nope'"),
    Case(typed="exec backend", code=1, err=r"'exec' did not receive required positional arguments"),
    Case(typed="logs backend redis", code=1, err=r"^No idea what 'redis' is!\n$"),
    Case(typed="frobnicate", code=1, err=r"^No idea what 'frobnicate' is!\n$"),
    Case(typed="up --frobnicate", code=1, err=r"^No idea what '--frobnicate' is!\n$"),
)
