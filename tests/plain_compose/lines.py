"""The command lines of the users' document, each with the output that the document shows.

``$PWD`` is the root of the repository. Left out, because they reach beyond the stack: ``docker system prune
-a --volumes`` and ``lsof -ti:8000 | xargs kill -9``; ``open URL`` starts a browser, so the page is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BACKEND_HEALTH = r'\{"status": ?"healthy", ?"service": ?"backend"\}'
GATEWAY_HEALTH = r'\{"status": ?"healthy", ?"service": ?"api-gateway"\}'

HEALTH_OUTPUT: Final = """\
=== Testing Health Endpoints ===

Testing backend health endpoint...
✅ Backend health endpoint returned HTTP 200
Testing API Gateway health endpoint...
✅ API Gateway health endpoint returned HTTP 200

🎉 All health endpoints are responding correctly!
"""

FAILURE_OUTPUT: Final = """\
=== Testing Health Endpoints ===

Testing backend health endpoint...
❌ Backend health check failed! HTTP 500
"""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A command line and its expected output.

    ``prints`` are patterns that its output has, ``exactly`` is its whole output, ``interrupt`` says
    that it goes on for ever: it is interrupted once all patterns were seen. ``again`` says that a person
    who is too early types it again.
    """

    text: str
    prints: tuple[str, ...] = ()
    exactly: str | None = None
    interrupt: bool = False
    retry: bool = False
    code: int = 0


def local(words: str, *prints: str, interrupt: bool = False, retry: bool = False) -> Line:
    """Return a line about the local stack."""
    text = f"docker compose -f docker-compose.local.yml {words}"
    return Line(text=text, prints=prints, interrupt=interrupt, retry=retry)


def ci(words: str, *prints: str) -> Line:
    """Return a line about the CI stack."""
    return Line(text=f"docker compose -f docker-compose.ci.yml {words}", prints=prints)


def script(name: str, *prints: str, exactly: str | None = None, code: int = 0) -> Line:
    """Return the document's way to run a test script from the host."""
    text = (
        "docker run --network ecommerce-ci-network --rm \\\n"
        "  -v $PWD/integration_tests:/tests \\\n"
        f"  alpine/curl:latest sh /tests/{name}"
    )
    return Line(text=text, prints=prints, exactly=exactly, code=code)


CI_UP = ci("up -d", r"Network ecommerce-ci-network +Created", r"ecommerce-ci-api-gateway-1 +Started")
CI_DOWN = ci("down -v", r"Network ecommerce-ci-network +Removed")
HEALTH_SCRIPT = script("test_health_endpoints.sh", exactly=HEALTH_OUTPUT)

FROM_THE_HOST: Final = (
    CI_UP,
    ci("ps", r"backend.*\(healthy\)", r"redis.*\(healthy\)", r"api-gateway"),
    Line(text="sleep 30", exactly=""),
    HEALTH_SCRIPT,
    script(
        "test_service_connectivity.sh",
        r"=== Testing Service Connectivity ===",
        r"Testing API Gateway → Backend connectivity\.\.\.",
        r"All services reach each other",
    ),
    ci("logs", r"backend-1 +\|", r"api-gateway-1 +\|", r"redis-1 +\|"),
    CI_DOWN,
)

FROM_WITHIN: Final = (
    CI_UP,
    Line(
        text="docker compose -f docker-compose.ci.yml exec backend \\\n"
        "  sh /app/../integration_tests/test_health_endpoints.sh",
        prints=(r"✅ Backend health endpoint returned HTTP 200",),
    ),
    ci("exec backend curl -f http://localhost:8000/health/", BACKEND_HEALTH),
    ci("exec backend curl http://api-gateway:8080/health", GATEWAY_HEALTH),
    ci("exec api-gateway curl http://backend:8000/health/", BACKEND_HEALTH),
    CI_DOWN,
    Line(text="docker volume ls | grep ecommerce-ci", exactly="", code=1),
)

QUICK_START: Final = (
    local("up", r"postgres-1 +\|", r"redis-1 +\|", r"backend-1 +\|", r"api-gateway-1 +\|", interrupt=True),
    local("up -d", r"ecommerce-local-api-gateway-1 +Started"),
    local(
        "ps",
        r"ecommerce-local-backend-1 .*:8000->8000/tcp",
        r"ecommerce-local-api-gateway-1 .*:9000->8080/tcp",
        r"ecommerce-local-postgres-1 .*:5432->5432/tcp",
        r"ecommerce-local-redis-1 .*:6379->6379/tcp",
    ),
    local("logs -f", r"postgres-1 +\|", r"backend-1 +\|", interrupt=True),
    Line(text="curl http://localhost:8000/health/", prints=(BACKEND_HEALTH,)),
    Line(text="curl http://localhost:9000/health", prints=(GATEWAY_HEALTH,), retry=True),
    Line(text="curl -sL -w '%{http_code}' http://localhost:8000/admin/", prints=(r"200$",)),
    Line(text="curl -sL -w '%{http_code}' http://localhost:9000/docs", prints=(r"200$",)),
)

DATA: Final = (
    Line(text="docker volume ls | grep ecommerce", prints=(r"local +ecommerce-postgres-data",)),
    Line(
        text="docker volume inspect ecommerce-postgres-data", prints=(r'"Name": "ecommerce-postgres-data"',)
    ),
    local("down", r"Network ecommerce-local-network +Removed"),
    Line(text="docker volume ls | grep ecommerce", prints=(r"ecommerce-postgres-data",)),
    Line(text="docker volume rm ecommerce-postgres-data", prints=(r"ecommerce-postgres-data",)),
)

TROUBLE: Final = (
    local("up -d", r"ecommerce-local-network +Created", r"ecommerce-postgres-data.* +Created"),
    local("ps", r"backend.*\(healthy\)"),
    local("logs backend", r"backend-1 +\|"),
    local("logs api-gateway", r"api-gateway-1 +\|", retry=True),
    local("ps postgres", r"postgres.*\(healthy\)"),
    local("logs postgres", r"database system is ready to accept connections"),
    local("exec backend curl -f http://localhost:8000/health/", BACKEND_HEALTH),
    Line(text="lsof -i :8000", prints=(r"docker.*:8000 \(LISTEN\)|:irdmi \(LISTEN\)",)),
    Line(text="docker stats", prints=(r"CPU %", r"ecommerce-local-backend-1"), interrupt=True),
    Line(text="docker system df", prints=(r"TYPE +TOTAL +ACTIVE", r"Local Volumes")),
    local("restart", r"ecommerce-local-backend-1 +Started"),
    local("build --no-cache"),
    Line(
        text="docker compose -f docker-compose.local.yml down -v"
        " && docker compose -f docker-compose.local.yml up -d",
        prints=(r"Volume ecommerce-postgres-data +Removed", r"ecommerce-local-api-gateway-1 +Started"),
    ),
    local("down -v", r"Volume ecommerce-postgres-data +Removed", r"Network ecommerce-local-network +Removed"),
    Line(text="docker volume ls | grep ecommerce-postgres", exactly="", code=1),
)
