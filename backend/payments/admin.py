"""Payments in the admin: a record of the past."""

from django.contrib import admin

from core.admin import HistoryAdmin
from orders.admin import OrderAdmin, ReadOnlyInline
from orders.models import Order
from payments.models import Payment, SandboxCharge, WebhookEvent
from payments.services import order_refund


class PaymentInline(ReadOnlyInline):
    """How an order was paid."""

    model = Payment
    fields = readonly_fields = (
        "reference",
        "provider",
        "state",
        "reason",
        "amount",
        "currency",
        "card_last4",
        "created_at",
    )


admin.site.unregister(Order)


@admin.register(Order)
class PaidOrderAdmin(OrderAdmin):
    """Orders with their payments."""

    search_fields = (*OrderAdmin.search_fields, "payments__reference")
    inlines = (*OrderAdmin.inlines, PaymentInline)
    actions = (*OrderAdmin.actions, "refund")

    @admin.action(description="Refund: send the money back", permissions=["change"])
    def refund(self, request, queryset):
        """Refund paid orders, handed over or not."""
        self.apply(request, queryset, lambda order_id: order_refund(order_id=order_id, by_customer=False))


@admin.register(Payment)
class PaymentAdmin(HistoryAdmin):
    """Attempts to pay."""

    list_display = ("reference", "order", "state", "reason", "amount", "currency", "card_last4", "created_at")
    list_filter = ("state", "provider", "created_at")
    list_select_related = ("order",)
    search_fields = ("reference", "order__number", "order__email")


@admin.register(WebhookEvent)
class WebhookEventAdmin(HistoryAdmin):
    """Webhooks of providers."""

    list_display = ("event_id", "provider", "type", "reference", "received_at")
    list_filter = ("provider", "type")
    search_fields = ("event_id", "reference")


@admin.register(SandboxCharge)
class SandboxChargeAdmin(HistoryAdmin):
    """The sandbox provider's books."""

    list_display = ("reference", "amount", "currency", "outcome", "answers_at", "deliveries_left", "refunded")
    list_filter = ("outcome", "refunded")
    search_fields = ("reference",)
