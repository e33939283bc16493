"""The events app."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Events of the shop, relayed to others through an outbox."""

    name = "events"
