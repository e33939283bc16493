"""What the shop sells: categories, products, variants, and the stock that variants draw on."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Max, Q, QuerySet, Value
from django.db.models.functions import Concat, Length, Substr, Upper
from django.utils import timezone

from catalog.attributes import clean_attributes

PATH_CHARACTERS = 600


class Category(models.Model):
    """A node of the category tree. `path` is its slugs from the root, each followed by a slash."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=140, unique=True)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    path = models.CharField(max_length=PATH_CHARACTERS, unique=True, editable=False)

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path.rstrip("/").replace("/", " / ")

    @transaction.atomic
    def save(self, *args, **kwargs) -> None:
        """Store with the path that follows from the parent, and move what is below along."""
        Category.lock_all()
        self.clean()
        before, self.path = self._paths()
        super().save(*args, **kwargs)
        if before not in (None, self.path):
            self._below(before).update(path=Concat(Value(self.path), Substr("path", len(before) + 1)))

    def clean(self) -> None:
        """Raise ValidationError where the parent is below the category or is it, or a path is too long."""
        parents = dict(Category.objects.values_list("pk", "parent"))
        ancestor = self.parent_id
        while ancestor is not None and ancestor != self.pk:
            ancestor = parents.pop(ancestor, None)
        if ancestor is not None:
            raise ValidationError({"parent": "A category cannot be below itself."})
        before, path = self._paths()
        longest = before and self._below(before).aggregate(longest=Max(Length("path")))["longest"]
        if len(path) + max(0, (longest or 0) - len(before or "")) > PATH_CHARACTERS:
            raise ValidationError({"parent": f"A path would be longer than {PATH_CHARACTERS} characters."})

    def _paths(self) -> tuple[str | None, str]:
        """Return the stored path, None for a new category, and the one that follows from the parent."""
        paths = dict(Category.objects.filter(pk__in=[self.pk, self.parent_id]).values_list("pk", "path"))
        return paths.get(self.pk), f"{paths.get(self.parent_id, '')}{self.slug}/"

    def _below(self, path: str) -> QuerySet[Category]:
        """Return the categories below this one, whose stored path is `path`."""
        return Category.objects.filter(path__startswith=path).exclude(pk=self.pk)

    @staticmethod
    def lock_all() -> None:
        """Lock the tree until the transaction ends: two moves at once could put each below the other."""
        list(Category.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))


class ProductQuerySet(QuerySet["Product"]):
    """Which products a reader may see."""

    def published(self) -> ProductQuerySet:
        """Return the products that customers see."""
        return self.filter(state=Product.State.PUBLISHED)

    def sold(self) -> ProductQuerySet:
        """Return the products that customers may buy: an order has one currency."""
        return self.published().filter(currency=settings.SHOP_CURRENCY)


class Product(models.Model):
    """What customers look at. `price` is the lowest of its variants', updated by the services."""

    class State(models.TextChoices):
        """Whether customers see it."""

        DRAFT = "draft"
        PUBLISHED = "published"
        ARCHIVED = "archived"

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=220, unique=True)
    description = models.TextField(blank=True)
    brand = models.CharField(max_length=80, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    image_url = models.URLField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    search_text = models.TextField(editable=False, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ProductQuerySet.as_manager()
    earlier_slugs: tuple[str, ...] = ()  # before it was saved, see catalog.signals

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="catalog_product_price_not_negative")
        ]
        indexes = [
            models.Index(fields=["state", "name", "id"]),
            models.Index(fields=["state", "price", "id"]),
            models.Index(fields=["category", "state"]),
            models.Index(Upper("brand"), "state", name="catalog_product_brand"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError for attributes that no customer could read."""
        self.attributes = clean_attributes(self.attributes)


class StockItem(models.Model):
    """Units of one kind. `reserved` of the `on_hand` units belong to open orders.

    At every moment on_hand = initial + adjustments - sold (see `manage.py check_invariants`).
    """

    code = models.CharField(max_length=64, unique=True)
    initial = models.PositiveIntegerField(default=0)
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(on_hand__gte=0, reserved__gte=0), name="catalog_stock_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(reserved__lte=F("on_hand")), name="catalog_stock_not_oversold"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def available(self) -> int:
        """Return how many units can be sold now."""
        return self.on_hand - self.reserved


class Variant(models.Model):
    """One SKU of a product, which buyers order. Several variants may share one stock item."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")
    stock_item = models.ForeignKey(StockItem, on_delete=models.PROTECT, related_name="variants")
    sku = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=120, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, help_text="In the product's currency.")
    position = models.PositiveSmallIntegerField(default=0)
    earlier_slugs: tuple[str, ...] = ()  # of its product, before it was saved, see catalog.signals

    class Meta:
        ordering = ["product_id", "position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="catalog_variant_price_not_negative")
        ]

    def __str__(self) -> str:
        return self.sku

    def clean(self) -> None:
        """Raise ValidationError for attributes that no customer could read."""
        self.attributes = clean_attributes(self.attributes)


class StockAdjustment(models.Model):
    """One manual change of a stock item's `on_hand`, and its reason."""

    stock_item = models.ForeignKey(StockItem, on_delete=models.PROTECT, related_name="adjustments")
    change = models.IntegerField()
    reason = models.CharField(max_length=200)
    made_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~Q(change=0), name="catalog_adjustment_changes")]

    def __str__(self) -> str:
        return f"{self.stock_item_id}: {self.change:+d}"
