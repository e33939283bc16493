"""Health, readiness, and the pages of last resort."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from core import problems


@require_safe
def health_check(request: HttpRequest) -> JsonResponse:
    """Report that the process is alive; no dependency is asked."""
    del request
    return JsonResponse({"status": "healthy", "service": "backend"})


@require_safe
def readiness_check(request: HttpRequest) -> JsonResponse:
    """Report whether every dependency works, and how long each took to answer."""
    from core.dependencies import readiness

    del request
    report = readiness()
    response = JsonResponse(report.body(), status=report.http_status)
    response["Cache-Control"] = "no-store"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 400: the request is malformed."""
    del exception
    return problems.problem_response(request, 400, "The request is malformed.", "bad-request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 403: the caller lacks permission."""
    del exception
    return problems.problem_response(request, 403, "You do not have permission to do this.", "forbidden")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 404: there is nothing at this address."""
    del exception
    return problems.problem_response(request, 404, f"There is nothing at {request.path}.", "not-found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 500: our own bug; the log has the details under the request's id."""
    return problems.problem_response(request, 500, "Something went wrong on our side.", "internal")
