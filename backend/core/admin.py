"""What an admin of history has in common."""

from django.contrib import admin


class HistoryAdmin(admin.ModelAdmin):
    """Shown, searched, never changed."""

    def has_add_permission(self, request):
        """History is not invented."""
        return False

    def has_change_permission(self, request, obj=None):
        """History does not change."""
        return False

    def has_delete_permission(self, request, obj=None):
        """History is not forgotten."""
        return False
