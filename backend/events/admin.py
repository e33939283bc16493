"""The outbox in the admin."""

from django.contrib import admin

from core.admin import HistoryAdmin
from events.models import OutboxEvent


class RelayedFilter(admin.SimpleListFilter):
    """Filter events that were relayed, or are still waiting."""

    title = "relayed"
    parameter_name = "relayed"

    def lookups(self, request, model_admin):
        """Return the two choices."""
        return (("yes", "relayed"), ("no", "waiting"))

    def queryset(self, request, queryset):
        """Return the chosen events."""
        return queryset if self.value() is None else queryset.filter(relayed_at__isnull=self.value() == "no")


@admin.register(OutboxEvent)
class OutboxEventAdmin(HistoryAdmin):
    """Events."""

    list_display = ("id", "type", "aggregate", "created_at", "relayed_at")
    list_filter = (RelayedFilter, "type")
    search_fields = ("aggregate", "type", "event_id")
