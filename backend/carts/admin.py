"""Carts in the admin."""

from django.contrib import admin

from carts.models import Cart, CartLine
from core.admin import HistoryAdmin


class CartLineInline(admin.TabularInline):
    """What is in the cart."""

    model = CartLine
    extra = 0
    raw_id_fields = ("variant",)


@admin.register(Cart)
class CartAdmin(HistoryAdmin):
    """Carts, read-only: only their owners change them."""

    list_display = ("id", "user", "created_at", "updated_at")
    search_fields = ("user__email",)
    exclude = ("token_digest",)
    inlines = (CartLineInline,)
