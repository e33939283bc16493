"""Money in the admin: history, to be read."""

from django.contrib import admin

from core.admin import HistoryAdmin
from payments.models import Payment, SandboxCharge, WebhookEvent


@admin.register(Payment)
class PaymentAdmin(HistoryAdmin):
    """Attempts to pay."""

    list_display = ("reference", "order", "state", "reason", "amount", "currency", "card_last4", "created_at")
    list_filter = ("state", "provider", "created_at")
    list_select_related = ("order",)
    search_fields = ("reference", "order__number", "order__email")


@admin.register(WebhookEvent)
class WebhookEventAdmin(HistoryAdmin):
    """What providers told."""

    list_display = ("event_id", "provider", "type", "reference", "received_at")
    list_filter = ("provider", "type")
    search_fields = ("event_id", "reference")


@admin.register(SandboxCharge)
class SandboxChargeAdmin(HistoryAdmin):
    """The sandbox provider's books."""

    list_display = ("reference", "amount", "currency", "outcome", "answers_at", "deliveries_left", "refunded")
    list_filter = ("outcome", "refunded")
    search_fields = ("reference",)
