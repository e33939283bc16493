"""Customers and staff in the admin."""

from django.contrib import admin
from django.contrib.auth import authenticate
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest, HttpResponseBase

from accounts.models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Django's own user admin, by email address."""

    ordering = ("email",)
    list_display = ("email", "name", "is_staff", "is_active", "created_at")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "name")
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "password1", "password2")}),)


def password_change(request: HttpRequest) -> HttpResponseBase:
    """Serve Django's own page; the old password is an attempt to log in. Raises: TooManyRequests."""
    if request.method == "POST":
        authenticate(
            request, username=request.user.get_username(), password=request.POST.get("old_password", "")
        )
    return admin.site.password_change(request)
