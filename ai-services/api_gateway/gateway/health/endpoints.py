"""``GET /health`` and ``GET /health/ready``."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from gateway.health.dependencies import readiness
from gateway.health.schemas import Alive, Ready

router = APIRouter(tags=["health"])


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Alive")
async def health() -> Alive:
    """Whether the process serves; asks nothing of anybody."""
    return Alive()


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready", summary="Ready", responses={503: {"model": Ready}})
async def ready(request: Request, response: Response) -> Ready:
    """Whether everything answers that the gateway needs; 503 names in ``down`` what does not."""
    report = await readiness(request.state.upstream, request.state.settings.redis_url)
    response.status_code = 503 if report.down else 200
    response.headers["Cache-Control"] = "no-store"
    return report
