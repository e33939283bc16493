"""Payments in the admin: a record of the past."""

from django import forms
from django.contrib import admin
from django.db import transaction

from core.admin import HistoryAdmin
from orders.admin import OrderAdmin, ReadOnlyInline
from orders.models import Order
from payments.models import (
    Payment,
    PaymentState,
    Refund,
    SandboxCharge,
    WebhookEvent,
    refund_reference,
)
from payments.refunds import refundable_amount
from payments.services import order_refund, refund_decide, refund_send


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


class RefundForm(forms.ModelForm):
    """A new refund: of an order's payment that succeeded, in part or in full; one form is one refund."""

    payment = forms.ModelChoiceField(Payment.objects.filter(state=PaymentState.SUCCEEDED))
    new_reference = forms.RegexField(
        r"^ref_[0-9a-f]{32}\Z", initial=refund_reference, widget=forms.HiddenInput
    )

    class Meta:
        model = Refund
        fields = ("payment", "amount")

    def clean(self):
        """Reject an amount that is more than what is left of the payment."""
        cleaned = super().clean()
        payment, amount = cleaned.get("payment"), cleaned.get("amount")
        if payment and amount and amount > (left := refundable_amount(payment=payment)):
            self.add_error("amount", f"At most {left:.2f} can be refunded.")
        return cleaned

    def clean_new_reference(self):
        """Reject a form that is sent again: its refund is stored, and money would go back twice."""
        reference = self.cleaned_data["new_reference"]
        if Refund.objects.filter(reference=reference).exists():
            raise forms.ValidationError("This refund is recorded already.")
        return reference


@admin.register(Refund)
class RefundAdmin(HistoryAdmin):
    """Refunds; a new one is sent to the provider."""

    form = RefundForm
    list_display = ("reference", "payment", "amount", "reason", "state", "created_at")
    list_filter = ("state", "created_at")
    list_select_related = ("payment",)
    search_fields = ("reference", "payment__reference", "payment__order__number")

    def get_fields(self, request, obj=None):
        """Return the fields of a new refund, or of one to be viewed."""
        return ("reference", "payment", "amount") if obj else ("payment", "amount", "new_reference")

    def has_add_permission(self, request):
        """Return whether the member of staff may refund."""
        return admin.ModelAdmin.has_add_permission(self, request)

    def save_model(self, request, obj, form, change):
        """Store the refund through the same service as everything else; it is sent after the commit."""
        reference = form.cleaned_data["new_reference"]
        payment = refund_decide(
            order_id=obj.payment.order_id, by_customer=False, amount=obj.amount, reference=reference
        )
        obj.pk = payment.refunds.get(reference=reference).pk
        transaction.on_commit(lambda: refund_send(payment=payment))


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
