"""Tokens hold a digest of the password that they were issued under: a change of password ends them."""

import hashlib

from django.db import migrations, models


def fill(apps, schema_editor):
    User = apps.get_model("accounts", "User")
    AccessToken = apps.get_model("accounts", "AccessToken")
    for user in User.objects.filter(tokens__isnull=False).distinct().iterator():
        digest = hashlib.sha256(user.password.encode()).hexdigest()
        AccessToken.objects.filter(user=user).update(password_digest=digest)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.AddField("accesstoken", "password_digest", models.CharField(max_length=64, default="")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
