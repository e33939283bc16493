"""The admin of rows that are a record of the past."""

from django.contrib import admin


class HistoryAdmin(admin.ModelAdmin):
    """Rows to be viewed and searched, never changed."""

    def has_add_permission(self, request):
        """Return False: nothing is added by hand."""
        return False

    def has_change_permission(self, request, obj=None):
        """Return False: nothing is changed by hand."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Return False: nothing is deleted by hand."""
        return False
