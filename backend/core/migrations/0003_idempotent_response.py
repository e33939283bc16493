"""IdempotentAnswer is called IdempotentResponse; its table keeps its name, so no SQL is executed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0002_forget_unkeyed_fingerprints")]
    operations = [
        migrations.AlterModelTable("IdempotentAnswer", "core_idempotentanswer"),
        migrations.RenameModel("IdempotentAnswer", "IdempotentResponse"),
    ]
