"""The events app."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """What happened, told to others through an outbox."""

    name = "events"
