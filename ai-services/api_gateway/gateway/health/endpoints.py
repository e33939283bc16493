"""``GET /health`` and ``GET /health/ready``."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from gateway.health.schemas import Liveness, Readiness

router = APIRouter(tags=["health"])


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Liveness")
async def liveness() -> Liveness:
    """Report that the process is alive; no dependency is checked."""
    return Liveness()


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready", summary="Readiness", responses={503: {"model": Readiness}})
async def readiness(request: Request, response: Response) -> Readiness:
    """Report the state of every dependency; with 503, ``down`` names those that do not respond."""
    report: Readiness = await request.state.readiness.get()
    response.status_code = 503 if report.status == "unavailable" else 200
    response.headers["Cache-Control"] = "no-store"
    return report
