"""Fingerprints were hashes without a key, from which a card's number could be computed: they are deleted."""

from django.db import migrations


def forget(apps, schema_editor):
    apps.get_model("core", "IdempotentAnswer").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
