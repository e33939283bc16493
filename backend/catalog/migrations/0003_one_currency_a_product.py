"""A variant's price is in its product's currency: there is no second column that could differ."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def fill(apps, schema_editor):
    Product = apps.get_model("catalog", "Product")
    Variant = apps.get_model("catalog", "Variant")
    product = Product.objects.filter(pk=OuterRef("product")).values("currency")
    Variant.objects.update(currency=Subquery(product))


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_search_vector")]
    operations = [
        migrations.AlterField("variant", "currency", models.CharField(max_length=3, default="EUR")),
        migrations.RunPython(migrations.RunPython.noop, fill),
        migrations.RemoveField("variant", "currency"),
        migrations.AlterField(
            "variant",
            "price",
            models.DecimalField(decimal_places=2, help_text="In the product's currency.", max_digits=12),
        ),
    ]
