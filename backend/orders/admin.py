"""Orders in the admin: read-only; their states change by the same services as in the API."""

from django.contrib import admin, messages

from core.problems import Problem
from orders.models import Order, OrderLine
from orders.services import order_cancel, order_fulfil


class ReadOnlyInline(admin.TabularInline):
    """Rows that are shown, never edited."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        """Return False: nothing is added by hand."""
        return False

    def has_change_permission(self, request, obj=None):
        """Return False: nothing is changed by hand."""
        return False


class OrderLineInline(ReadOnlyInline):
    """What was bought."""

    model = OrderLine
    fields = readonly_fields = ("sku", "name", "unit_price", "quantity")


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """Orders; money and states change by actions only."""

    list_display = ("number", "state", "email", "total", "currency", "created_at", "paid_at")
    list_filter = ("state", "created_at")
    search_fields = ("number", "email", "lines__sku")
    date_hierarchy = "created_at"
    inlines = (OrderLineInline,)
    actions = ("fulfil", "cancel")

    def has_add_permission(self, request):
        """Return False: orders come from checkout."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Return False: orders are never deleted."""
        return False

    def get_readonly_fields(self, request, obj=None):
        """Return every field."""
        return [field.name for field in self.model._meta.fields]

    def save_model(self, request, obj, form, change):
        """Store nothing: every field is read-only, and the row may have changed since it was read."""

    @admin.action(description="Fulfil: the goods were handed over", permissions=["change"])
    def fulfil(self, request, queryset):
        """Fulfil paid orders."""
        self.apply(request, queryset, order_fulfil)

    @admin.action(description="Cancel: release the stock", permissions=["change"])
    def cancel(self, request, queryset):
        """Cancel pending orders."""
        self.apply(request, queryset, order_cancel)

    def apply(self, request, queryset, step):
        """Apply a step to each order, and report the orders whose state does not allow it."""
        done = 0
        for order in queryset.order_by("id"):
            try:
                step(order_id=order.pk)
                done += 1
            except Problem as problem:
                self.message_user(request, f"{order.number}: {problem.detail}", messages.ERROR)
        if done:
            self.message_user(request, f"{done} orders updated.", messages.SUCCESS)
