"""The catalogue in the admin."""

from django import forms
from django.contrib import admin, messages
from django.db.models import URLField
from django.utils import timezone

from catalog.models import Category, Product, StockAdjustment, StockItem, Variant
from catalog.services import product_price_update, product_search_text
from catalog.stock import MAXIMUM_UNITS, stock_adjust
from core.admin import HistoryAdmin
from core.problems import Problem


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    """The tree of categories."""

    list_display = ("path", "name", "slug")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


class VariantInline(admin.TabularInline):
    """A product's variants."""

    model = Variant
    extra = 0
    raw_id_fields = ("stock_item",)


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    """Products with their variants."""

    list_display = ("name", "brand", "category", "price", "currency", "state")
    list_filter = ("state", "category")
    list_select_related = ("category",)
    search_fields = ("name", "slug", "brand")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (VariantInline,)
    formfield_overrides = {URLField: {"assume_scheme": "https"}}

    def save_model(self, request, obj, form, change):
        """Update the text that search uses."""
        obj.search_text = product_search_text(product=obj)
        obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        """Update the price to that of the cheapest variant."""
        super().save_related(request, form, formsets, change)
        product_price_update(product=form.instance)


class AdjustmentForm(forms.ModelForm):
    """A change of stock by hand, with its reason."""

    change_by = forms.IntegerField(
        required=False,
        max_value=MAXIMUM_UNITS,
        help_text="Units that came in, or (negative) went out.",
    )
    reason = forms.CharField(required=False, max_length=200)

    class Meta:
        model = StockItem
        fields = ("code",)

    def clean(self):
        """Reject a change without a reason, or of units that are reserved for orders."""
        cleaned = super().clean()
        change, item = cleaned.get("change_by"), self.instance
        if change and not cleaned.get("reason", "").strip():
            self.add_error("reason", "Give a reason for the change of stock.")
        if change and item.on_hand + change < item.reserved:
            self.add_error("change_by", "Fewer units would be left than are reserved for orders.")
        return cleaned


@admin.register(StockItem)
class StockItemAdmin(admin.ModelAdmin):
    """Stock; its numbers change through adjustments and orders only."""

    form = AdjustmentForm
    list_display = ("code", "on_hand", "reserved", "available")
    search_fields = ("code", "variants__product__name")
    readonly_fields = ("initial", "on_hand", "reserved")

    def save_model(self, request, obj, form, change):
        """Store the code alone, then adjust: the numbers may have changed while the form was open."""
        obj.save(update_fields=["code"] if change else None)
        units = form.cleaned_data.get("change_by")
        if units:
            try:
                stock_adjust(
                    item=obj, change=units, reason=form.cleaned_data["reason"], made_by=str(request.user)
                )
            except Problem as problem:
                self.message_user(request, problem.detail, messages.ERROR)


@admin.register(StockAdjustment)
class StockAdjustmentAdmin(HistoryAdmin):
    """The history of adjustments."""

    list_display = ("stock_item", "change", "reason", "made_by", "created_at")
    list_select_related = ("stock_item",)
    search_fields = ("stock_item__code", "reason")
