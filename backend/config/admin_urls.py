"""Addresses below /admin/; every app's admin module is found at the first request."""

from django.contrib import admin
from django.urls import path

from accounts.admin import password_change

admin.autodiscover()
admin.site.site_header = admin.site.site_title = "Shop"

urlpatterns = [
    path("password_change/", admin.site.admin_view(password_change, cacheable=True)),
    path("", admin.site.urls),
]
