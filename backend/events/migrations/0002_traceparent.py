from django.db import migrations, models


class OnPostgres(migrations.RunSQL):
    """SQL that SQLite does not know."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0001_initial'),
    ]

    operations = [
        OnPostgres("SET LOCAL lock_timeout = '2s'", migrations.RunSQL.noop),
        OnPostgres("SET LOCAL statement_timeout = '5s'", migrations.RunSQL.noop),
        migrations.AddField(
            model_name='outboxevent',
            name='traceparent',
            field=models.TextField(blank=True, db_default='', default='', editable=False),
        ),
    ]
