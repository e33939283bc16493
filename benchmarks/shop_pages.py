"""Pages of a list of 100,000 products: the first against the one at row 50,000, and what `brand` reads.

Postgres of a local stack. Usage: python benchmarks/shop_pages.py [PRODUCTS]
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from shop_tools import ROOT, backend_python

from stack.commands import exec
from stack.control import session
from stack.control.choice import Choice

READING = """
import django, json, statistics, sys
django.setup()
from django.db import connection
from catalog.selectors import ORDERS, ProductFilter, _annotate_available, filter_products
LIMIT, TURNS, FAR = 20, 5, int(sys.argv[1])

def explain(rows):
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
        plan = cursor.fetchone()[0]
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]

def cost(rows):
    plans = [explain(rows) for _ in range(TURNS)]
    top = plans[-1]["Plan"]
    blocks = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return blocks, statistics.median(plan["Execution Time"] for plan in plans)

def indexes(node):
    return {node["Index Name"]} if "Index Name" in node else set().union(*map(indexes, node.get("Plans", [])))

connection.cursor().execute("VACUUM ANALYZE")
rows = _annotate_available(filter_products(filters=ProductFilter()))
for name in ("newest", "price", "-price", "name", "-name"):
    order = ORDERS[name]
    last = filter_products(filters=ProductFilter()).order_by(*order.columns)[FAR]
    first = rows.order_by(*order.columns)[: LIMIT + 1]
    after = rows.filter(order.after([getattr(last, order.field), last.pk]))
    far = after.order_by(*order.columns)[: LIMIT + 1]
    (first_blocks, first_ms), (far_blocks, far_ms) = cost(first), cost(far)
    print(f"{name}: first page {first_blocks} blocks, {first_ms:.2f} ms; "
          f"row {FAR} {far_blocks} blocks, {far_ms:.2f} ms; ratio {far_blocks / first_blocks:.2f} of blocks, "
          f"{far_ms / first_ms:.2f} of time")
for brand in ("nordic", "unknown"):
    page = filter_products(filters=ProductFilter(brand=brand)).order_by("-id")[: LIMIT + 1]
    (blocks, taken_ms), used = cost(page), sorted(indexes(explain(page)["Plan"]))
    print(f"brand {brand}: {blocks} blocks, {taken_ms:.2f} ms, by {used}")
"""


def main(arguments: Sequence[str]) -> None:
    products = int(arguments[0]) if arguments else 100_000
    choice = Choice(kind="local", engine="local")
    with session.ephemeral_stack(choice) as kept:
        if exec.run(Choice(kind=kept.name), "backend", f"python manage.py seed --products {products}") != 0:
            raise SystemExit("the seed failed")
        settings = {
            "DJANGO_SETTINGS_MODULE": "config.settings.ci",
            "DATABASE_URL": kept.endpoints["DATABASE_URL"],
            "VAULT_DISABLED": "true",
            "PYTHONPATH": ".",
        }
        subprocess.run(
            [str(backend_python()), "-c", READING, str(products // 2)],
            cwd=ROOT / "backend",
            env=os.environ | settings,
            check=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
