"""A deterministic catalogue: the same products on every machine, in any number.

Product number *n* depends on *n* alone, so that a large catalogue begins with the small one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from random import Random

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from catalog.models import Category, Product, StockItem, Variant
from catalog.search import build_search_text
from operations.seed_words import BRANDS, LEAVES, PRAISE, QUALITIES, Leaf

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
BATCH = 2000
SEED_STEP = 1_000_003_000_007  # far beyond any product's own number


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One product with its variants and their stock, not stored yet."""

    product: Product
    variants: list[Variant]
    stock: list[StockItem]


@transaction.atomic
def catalogue_seed(*, products: int, first: int = 1, seed: int = 0) -> int:
    """Store products `first` to `first + products - 1`; return how many were made."""
    categories = category_seed()
    drafts = (build_draft(number, categories, seed) for number in range(first, first + products))
    while batch := list(islice(drafts, BATCH)):
        _store(batch)
    return products


def category_seed() -> dict[str, Category]:
    """Store the category tree where it is missing; return the leaves by slug."""
    existing = {category.slug: category for category in Category.objects.all()}
    for name in dict.fromkeys(leaf.root for leaf in LEAVES):
        _category(existing, name, None)
    return {
        slugify(f"{leaf.root} {leaf.name}"): _category(existing, leaf.name, existing[slugify(leaf.root)])
        for leaf in LEAVES
    }


def _category(existing: dict[str, Category], name: str, parent: Category | None) -> Category:
    slug = slugify(f"{parent.name} {name}" if parent else name)
    if slug not in existing:
        existing[slug] = Category.objects.create(name=name, slug=slug, parent=parent)
    return existing[slug]


def build_draft(number: int, categories: dict[str, Category], seed: int = 0) -> Draft:
    """Return product number `number`, not stored yet."""
    random = Random(number * 7919 + 17 + seed * SEED_STEP)
    leaf = random.choice(LEAVES)
    brand, quality, noun = random.choice(BRANDS), random.choice(QUALITIES), random.choice(leaf.nouns)
    name = f"{brand} {quality} {noun}"
    description = f"{name}. {random.choice(PRAISE)} {random.choice(PRAISE)}"
    category = categories[slugify(f"{leaf.root} {leaf.name}")]
    price = Decimal(random.randint(*leaf.prices)) - Decimal("0.01") * random.choice((0, 1, 5, 10))
    moment = EPOCH + timedelta(minutes=number)
    product = Product(
        category=category,
        name=name,
        slug=f"{slugify(name)}-{number}",
        description=description,
        brand=brand,
        attributes={"quality": quality.lower(), "weight_g": random.randint(50, 9000)},
        image_url=f"https://images.example.com/products/{number}.jpg",
        state=Product.State.PUBLISHED,
        price=price,
        currency=settings.SHOP_CURRENCY,
        search_text=build_search_text(
            name=name, brand=brand, category=category.name, description=description
        ),
        created_at=moment,
        updated_at=moment,
    )
    return _with_variants(product, leaf, number, random)


def _with_variants(product: Product, leaf: Leaf, number: int, random: Random) -> Draft:
    count = random.choice((1, 1, 1, 2, 3))
    variants, stock = [], []
    for position, choice in enumerate(leaf.choices[:count]):
        sku = f"SKU-{number:06d}-{position + 1}"
        units = random.choice((0, 5, 20, 50, 100, 250))
        stock.append(StockItem(code=sku, initial=units, on_hand=units))
        variants.append(
            Variant(
                sku=sku,
                name=choice,
                attributes={leaf.option: choice},
                price=product.price + position * 5,
                position=position,
            )
        )
    return Draft(product=product, variants=variants, stock=stock)


def _store(batch: list[Draft]) -> None:
    Product.objects.bulk_create([draft.product for draft in batch])
    StockItem.objects.bulk_create([item for draft in batch for item in draft.stock])
    Variant.objects.bulk_create(list(_link_variants(batch)))


def _link_variants(batch: list[Draft]) -> Iterator[Variant]:
    for draft in batch:
        for variant, item in zip(draft.variants, draft.stock, strict=True):
            variant.product, variant.stock_item = draft.product, item
            yield variant
