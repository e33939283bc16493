"""The root of all addresses. What is heavy is imported at the first request below its prefix."""

from django.urls import path
from django.urls.resolvers import RoutePattern, URLResolver

from core import views


def lazily(prefix: str, urlconf: str) -> URLResolver:
    """Return an include whose module is imported at the first request below `prefix`."""
    return URLResolver(RoutePattern(prefix), urlconf)


urlpatterns = [
    path("health/", views.health_check),
    path("health/ready/", views.readiness_check),
    lazily("api/v1/", "config.api_urls"),
    lazily("admin/", "config.admin_urls"),
]

handler400 = views.bad_request
handler403 = views.permission_denied
handler404 = views.page_not_found
handler500 = views.server_error
