"""On Postgres: a weighted vector of every product's words, kept by the database itself, and its index."""

from django.db import migrations

COLUMN = """
ALTER TABLE catalog_product ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', name), 'A')
    || setweight(to_tsvector('simple', brand), 'B')
    || setweight(to_tsvector('simple', search_text), 'D')
) STORED
"""
INDEX = "CREATE INDEX catalog_product_search ON catalog_product USING gin (search_vector)"


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(COLUMN)
        schema_editor.execute(INDEX)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE catalog_product DROP COLUMN search_vector")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
