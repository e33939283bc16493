"""Addresses below /api/v1/."""

from django.conf import settings
from django.urls import path

from config.api import api

urlpatterns = [path("", api.urls)]


def warm_up() -> None:
    """Runs after a worker's first answer: importing this module was the heavy part of it."""
    if settings.RUN_WORKER_IN_PROCESS:
        from events.worker import worker_start_thread

        worker_start_thread()
