"""`manage.py prepare`: migrate, then seed an empty catalogue; safe to run by many at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
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
            self._migrate()
            self._seed()
            self._mark()
            if is_new and path is not None:
                template_store(fingerprint=code_fingerprint(), database=path)

    def _migrate(self) -> None:
        try:
            call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        except CommandError:
            raise
        except Exception as error:
            error.add_note(f"This happened while {_next_migration()} was applied.")
            raise

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


def _next_migration() -> str:
    """Return the first migration that is not applied yet: after a failure the one that failed."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return str(plan[0][0]) if plan else "the last migration"
