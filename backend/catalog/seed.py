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
from catalog.search import search_text_of
from catalog.seed_words import BRANDS, PRAISE, QUALITIES, SHELVES, Shelf

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
BATCH = 2000
SEED_STEP = 1_000_003_000_007  # far beyond any product's own number


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One product with its variants and their stock, before any of them has a key."""

    product: Product
    variants: list[Variant]
    stock: list[StockItem]


@transaction.atomic
def catalogue_seed(*, products: int, first: int = 1, seed: int = 0) -> int:
    """Stores products `first` to `first + products - 1`; answers how many were made."""
    categories = category_seed()
    drafts = (draft_of(number, categories, seed) for number in range(first, first + products))
    while batch := list(islice(drafts, BATCH)):
        _store(batch)
    return products


def category_seed() -> dict[str, Category]:
    """Stores the category tree where it is missing; answers the leaves by slug."""
    existing = {category.slug: category for category in Category.objects.all()}
    for name in dict.fromkeys(shelf.root for shelf in SHELVES):
        _category(existing, name, None)
    return {
        slugify(f"{shelf.root} {shelf.name}"): _category(existing, shelf.name, existing[slugify(shelf.root)])
        for shelf in SHELVES
    }


def _category(existing: dict[str, Category], name: str, parent: Category | None) -> Category:
    slug = slugify(f"{parent.name} {name}" if parent else name)
    if slug not in existing:
        existing[slug] = Category.objects.create(name=name, slug=slug, parent=parent)
    return existing[slug]


def draft_of(number: int, categories: dict[str, Category], seed: int = 0) -> Draft:
    """Answers product number `number`, not stored."""
    random = Random(number * 7919 + 17 + seed * SEED_STEP)
    shelf = random.choice(SHELVES)
    brand, quality, noun = random.choice(BRANDS), random.choice(QUALITIES), random.choice(shelf.nouns)
    name = f"{brand} {quality} {noun}"
    description = f"{name}. {random.choice(PRAISE)} {random.choice(PRAISE)}"
    category = categories[slugify(f"{shelf.root} {shelf.name}")]
    price = Decimal(random.randint(*shelf.prices)) - Decimal("0.01") * random.choice((0, 1, 5, 10))
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
        search_text=search_text_of(name=name, brand=brand, category=category.name, description=description),
        created_at=moment,
        updated_at=moment,
    )
    return _with_variants(product, shelf, number, random)


def _with_variants(product: Product, shelf: Shelf, number: int, random: Random) -> Draft:
    count = random.choice((1, 1, 1, 2, 3))
    variants, stock = [], []
    for position, choice in enumerate(shelf.choices[:count]):
        sku = f"SKU-{number:06d}-{position + 1}"
        units = random.choice((0, 5, 20, 50, 100, 250))
        stock.append(StockItem(code=sku, initial=units, on_hand=units))
        variants.append(
            Variant(
                sku=sku,
                name=choice,
                attributes={shelf.option: choice},
                price=product.price + position * 5,
                currency=product.currency,
                position=position,
            )
        )
    return Draft(product=product, variants=variants, stock=stock)


def _store(batch: list[Draft]) -> None:
    Product.objects.bulk_create([draft.product for draft in batch])
    StockItem.objects.bulk_create([item for draft in batch for item in draft.stock])
    Variant.objects.bulk_create(list(_joined(batch)))


def _joined(batch: list[Draft]) -> Iterator[Variant]:
    for draft in batch:
        for variant, item in zip(draft.variants, draft.stock, strict=True):
            variant.product, variant.stock_item = draft.product, item
            yield variant
