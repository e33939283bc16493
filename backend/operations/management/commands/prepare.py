"""`manage.py prepare`: migrate, then seed an empty catalogue; safe to run by many at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.migrations.recorder import MigrationRecorder

from config.preparation import code_fingerprint, is_prepared, sqlite_path
from config.template import template_store
from core.advisory import advisory_lock
from core.models import Preparation


class Command(BaseCommand):
    """Bring the database to the state this code needs."""

    help = "Migrate, and seed the catalogue if it is empty. Safe to run many times at once."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare under a lock; a second process finds the work done."""
        with advisory_lock("prepare"):
            if is_prepared():
                return
            path = sqlite_path()
            is_new = path is not None and not path.exists()
            call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
            self._seed()
            self._mark()
            if is_new and path is not None:
                template_store(fingerprint=code_fingerprint(), database=path)

    def _seed(self) -> None:
        from catalog.models import Product
        from operations.seed_catalogue import catalogue_seed

        if settings.SEED_PRODUCTS and not Product.objects.exists():
            catalogue_seed(products=settings.SEED_PRODUCTS)

    @transaction.atomic
    def _mark(self) -> None:
        Preparation.objects.all().delete()
        applied = MigrationRecorder.Migration.objects.count()
        Preparation.objects.create(
            fingerprint=code_fingerprint(), migrations=applied, seeded=settings.SEED_PRODUCTS
        )
