"""`manage.py seed`: a deterministic catalogue of any size, with past orders."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.models import Product
from core.advisory import advisory_lock
from operations.seed_catalogue import catalogue_seed
from operations.seed_orders import past_orders_seed
from orders.models import Order

MAXIMUM = 1_000_000


class Command(BaseCommand):
    """Fill the catalogue up to a number of products."""

    help = "Fill the shop up to so many products and past orders; existing rows stay."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--products` and `--orders`, which are totals, not additions."""
        parser.add_argument("--products", type=int, default=1000, help="total number of products")
        parser.add_argument(
            "--orders", type=int, default=None, help="past orders (default: one a product, 20000 at most)"
        )

        parser.add_argument("--seed", type=int, default=0, help="another catalogue of the same size")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed. Raises: CommandError for numbers out of range."""
        products = options["products"]
        orders = min(products, 20_000) if options["orders"] is None else options["orders"]
        if not (0 <= products <= MAXIMUM and 0 <= orders <= MAXIMUM):
            raise CommandError(f"--products and --orders must be between 0 and {MAXIMUM}.")
        started = time.perf_counter()
        with advisory_lock("seed"):
            existing = Product.objects.count()
            made = catalogue_seed(
                products=max(0, products - existing), first=existing + 1, seed=options["seed"]
            )
            placed = past_orders_seed(
                orders=max(0, orders - Order.objects.filter(number__startswith="P").count()),
                seed=options["seed"],
            )
        seconds = time.perf_counter() - started
        self.stdout.write(f"{made} products and {placed} past orders in {seconds:.1f} s")
