"""What accounts announce to the apps above them."""

from django.dispatch import Signal

customer_logged_in = Signal()
"""Sent after a login, with `request` and `user`."""
