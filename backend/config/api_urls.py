"""Addresses below /api/v1/."""

from django.conf import settings
from django.urls import path

from config.api import api

urlpatterns = [path("", api.urls)]


def warm_up() -> None:
    """Start what may wait until a worker serves; importing this module is the heavy part."""
    if settings.RUN_WORKER_IN_PROCESS:
        from operations.worker import worker_start_thread

        worker_start_thread()
