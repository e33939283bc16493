"""The catalogue in the admin."""

from django.contrib import admin

from catalog.models import Category, Product, StockAdjustment, StockItem, Variant


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


@admin.register(StockItem)
class StockItemAdmin(admin.ModelAdmin):
    """Stock; numbers change through adjustments and orders only."""

    list_display = ("code", "on_hand", "reserved", "available")
    search_fields = ("code",)
    readonly_fields = ("initial", "on_hand", "reserved")


@admin.register(StockAdjustment)
class StockAdjustmentAdmin(admin.ModelAdmin):
    """The history of adjustments; read-only."""

    list_display = ("stock_item", "change", "reason", "made_by", "created_at")
    search_fields = ("stock_item__code", "reason")

    def has_add_permission(self, request):
        """Adjustments are made on the stock item."""
        return False

    def has_change_permission(self, request, obj=None):
        """History does not change."""
        return False

    def has_delete_permission(self, request, obj=None):
        """History is not forgotten."""
        return False
