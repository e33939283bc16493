"""The outbox in the admin."""

from django.contrib import admin

from core.admin import HistoryAdmin
from events.models import OutboxEvent


class RelayedFilter(admin.SimpleListFilter):
    """Told, or still waiting."""

    title = "relayed"
    parameter_name = "relayed"

    def lookups(self, request, model_admin):
        """The two halves."""
        return (("yes", "relayed"), ("no", "waiting"))

    def queryset(self, request, queryset):
        """One half."""
        return queryset if self.value() is None else queryset.filter(relayed_at__isnull=self.value() == "no")


@admin.register(OutboxEvent)
class OutboxEventAdmin(HistoryAdmin):
    """What happened."""

    list_display = ("id", "type", "aggregate", "created_at", "relayed_at")
    list_filter = (RelayedFilter, "type")
    search_fields = ("aggregate", "type", "event_id")
