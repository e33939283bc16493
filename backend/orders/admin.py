"""Orders in the admin: to be read, and moved on through the same services as the API."""

from django.contrib import admin, messages

from core.problems import Problem
from orders.models import Order, OrderLine
from orders.services import order_cancel, order_fulfil
from payments.models import Payment
from payments.services import order_refund


class ReadOnlyInline(admin.TabularInline):
    """History: shown, never edited."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        """Nothing is added by hand."""
        return False

    def has_change_permission(self, request, obj=None):
        """Nothing is changed by hand."""
        return False


class OrderLineInline(ReadOnlyInline):
    """What was bought."""

    model = OrderLine
    fields = readonly_fields = ("sku", "name", "unit_price", "quantity")


class PaymentInline(ReadOnlyInline):
    """How it was paid."""

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


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """Orders; money and states change through actions only."""

    list_display = ("number", "state", "email", "total", "currency", "created_at", "paid_at")
    list_filter = ("state", "created_at")
    search_fields = ("number", "email", "lines__sku", "payments__reference")
    date_hierarchy = "created_at"
    inlines = (OrderLineInline, PaymentInline)
    actions = ("fulfil", "cancel", "refund")

    def has_add_permission(self, request):
        """Orders come from checkout."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Orders are kept."""
        return False

    def get_readonly_fields(self, request, obj=None):
        """Everything."""
        return [field.name for field in self.model._meta.fields]

    @admin.action(description="Fulfil: was handed over", permissions=["change"])
    def fulfil(self, request, queryset):
        """Move paid orders on."""
        self._each(request, queryset, order_fulfil)

    @admin.action(description="Cancel: release the stock", permissions=["change"])
    def cancel(self, request, queryset):
        """Cancel pending orders."""
        self._each(request, queryset, order_cancel)

    @admin.action(description="Refund: send the money back", permissions=["change"])
    def refund(self, request, queryset):
        """Refund paid orders, handed over or not."""
        self._each(request, queryset, lambda order_id: order_refund(order_id=order_id, by_customer=False))

    def _each(self, request, queryset, step):
        done = 0
        for order in queryset.order_by("id"):
            try:
                step(order_id=order.pk)
                done += 1
            except Problem as problem:
                self.message_user(request, f"{order.number}: {problem.detail}", messages.ERROR)
        if done:
            self.message_user(request, f"{done} orders moved on.", messages.SUCCESS)
