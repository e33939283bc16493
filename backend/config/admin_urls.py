"""Addresses below /admin/; every app's admin module is found at the first request."""

from django.contrib import admin
from django.urls import path

admin.autodiscover()
admin.site.site_header = admin.site.site_title = "Shop"

urlpatterns = [path("", admin.site.urls)]
