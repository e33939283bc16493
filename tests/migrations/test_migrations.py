from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from data.stack import Stack
from migrations import linting
from migrations.backend import APPS, BACKEND, Backend, migrations_of

BACK_AND_FORTH = """
from django.core.management import call_command
for app, before, name in {steps}:
    call_command("migrate", app, before, verbosity=0, interactive=False)
    call_command("migrate", verbosity=0, interactive=False)
    print(f"{{app}}.{{name}}: back to {{before}} and forward again")
"""
DROPPED_COLUMN = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_brand_index")]
    operations = [migrations.RemoveField("product", "brand")]
"""
BLOCKING_INDEX = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_brand_index")]
    operations = [migrations.AddIndex("product", models.Index(fields=["image_url"], name="by_image"))]
"""


def test_no_migration_is_missing_or_in_conflict(sqlite: Backend) -> None:
    assert "No changes detected" in sqlite.manage("makemigrations", "--check", "--dry-run")


def test_a_missing_migration_would_be_noticed(sqlite: Backend, tmp_path: Path) -> None:
    changed = copy_of_backend(tmp_path)
    models = changed / "events" / "models.py"
    models.write_text(models.read_text().replace("max_length=80", "max_length=81"))
    done = replace(sqlite, project=changed).run("makemigrations", "--check", "--dry-run")
    assert done.code == 1, done.output


def test_each_migration_goes_back_and_forward_and_the_books_agree(either: Backend) -> None:
    either.manage("prepare")
    either.manage("seed", "--products", "250", "--orders", "40")
    steps = [
        (app, before, name)
        for (app, before), (same, name) in zip(migrations_of(), migrations_of()[1:], strict=False)
        if app == same
    ]
    assert steps
    print(either.script(BACK_AND_FORTH.format(steps=steps)))
    either.manage("check_invariants")
    assert "40" in either.script("from orders.models import Order; print(Order.objects.count())")


def test_all_migrations_can_be_taken_back_to_an_empty_database(either: Backend) -> None:
    either.manage("migrate", "--no-input")
    for app in reversed(APPS):
        either.manage("migrate", app, "zero", "--no-input")
    either.manage("migrate", "--no-input")
    assert "No migrations to apply" in either.manage("migrate", "--no-input")


@pytest.mark.parametrize("dump", sorted(linting.RELEASES.glob("*.dump")), ids=lambda path: path.stem)
def test_the_data_of_every_release_is_migrated_to_the_present(
    server: Stack, postgres: Backend, dump: Path, pg_restore: str
) -> None:
    restore(pg_restore, dump, postgres.url)
    postgres.manage("migrate", "--no-input")
    postgres.manage("check_invariants")
    assert "100 30" in postgres.script(
        "from catalog.models import Product; from orders.models import Order\n"
        "print(Product.objects.count(), Order.objects.count())"
    )


def test_two_backends_that_start_at_once_migrate_and_seed_once(either: Backend) -> None:
    both = [either.start("prepare") for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    counted = either.script(
        "from catalog.models import Product; from django.db.migrations.recorder import MigrationRecorder\n"
        "rows = MigrationRecorder.Migration.objects.values_list('app', 'name')\n"
        "print(Product.objects.count(), len(rows) == len(set(rows)))"
    )
    assert "200 True" in counted


def test_what_is_not_released_yet_passes_both_linters_but_for_what_is_accepted(postgres: Backend) -> None:
    backend = replace(postgres, settings="config.settings.lint")
    backend.manage("migrate", "--no-input")
    accepted, unreleased = linting.accepted(), linting.unreleased(BACKEND)
    assert linting.complaints(backend, unreleased) == []
    named = set(accepted) - {"everywhere"}
    assert named <= {f"{app}.{name}" for app, name in unreleased}, "of a released one nothing is linted"
    assert all(each["reason"] for each in accepted.values())


def test_a_migration_is_released_once_the_changelog_has_the_release() -> None:
    assert linting.released("# Changelog\n\n## [Unreleased]\n") == set()
    assert ("catalog", "0001_initial") in linting.released("\n## [0.1.0] - 2027-01-01\n")


@pytest.mark.parametrize(
    ("text", "linter"), [(DROPPED_COLUMN, "django-migration-linter"), (BLOCKING_INDEX, "squawk")]
)
def test_each_linter_refuses_what_the_other_lets_pass(
    postgres: Backend, tmp_path: Path, text: str, linter: str
) -> None:
    changed = copy_of_backend(tmp_path)
    (changed / "catalog" / "migrations" / "0005_bad.py").write_text(text)
    backend = replace(postgres, project=changed, settings="config.settings.lint")
    assert ("catalog", "0005_bad") in linting.unreleased(changed)
    found = linting.complaints(backend, [("catalog", "0005_bad")])
    assert any(complaint.startswith(linter) for complaint in found), found


def restore(program: str, dump: Path, url: str) -> None:
    subprocess.run([program, "--no-owner", "--exit-on-error", "--dbname", url, str(dump)], check=True)


def copy_of_backend(folder: Path) -> Path:
    ignored = shutil.ignore_patterns(".templates", "__pycache__", "tests")
    return Path(shutil.copytree(BACKEND, folder / "backend", ignore=ignored))
