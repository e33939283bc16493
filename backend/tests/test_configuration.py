"""Settings, the reader of the environment, and preparation."""

import importlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder

from config import env
from operations.management.commands import prepare

BACKEND = Path(__file__).resolve().parent.parent
GOOD = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "SECRET_KEY": "k3y-" + "abcdefghij" * 6,
    "PAYMENT_WEBHOOK_SECRET": "w3b-" + "klmnopqrst" * 6,
    "ALLOWED_HOSTS": "shop.example.com",
    "DATABASE_URL": "postgresql://shop:pw@db.example.com/shop",
    "VAULT_DISABLED": "true",
    "PRODUCTION_WITHOUT_VAULT": "true",
}


def manage(*argv, **environment):
    base = {"PATH": os.environ["PATH"], "TEMPLATE_DIR": "/dev/null/none"}
    argv = [sys.executable, "manage.py", *argv]
    return subprocess.run(argv, cwd=BACKEND, env={**base, **environment}, capture_output=True, text=True)


def test_production_passes_the_deployment_check_without_a_warning():
    done = manage("check", "--deploy", "--fail-level", "WARNING", SECURE_HSTS_PRELOAD="true", **GOOD)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("SECRET_KEY", "development-only-key-that-protects-nothing", "a published default"),
        ("SECRET_KEY", "a" * 60, "too weak"),
        ("PAYMENT_WEBHOOK_SECRET", "", "PAYMENT_WEBHOOK_SECRET is not set"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS is not set"),
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("PRODUCTION_WITHOUT_VAULT", "false", "production keeps its secrets in Vault"),
        ("VAULT_DISABLED", "false", "VAULT_ADDR is not set"),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL must be"),
        ("PAYMENT_PROVIDER", "sandbox", "PAYMENT_PROVIDER=sandbox moves no money"),
    ],
)
def test_production_refuses_to_start(name, value, said):
    done = manage("check", **{**GOOD, name: value})
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("setting", "found"), [({}, "404 404"), ({"API_DOCS": "true"}, "200 200")])
def test_production_describes_its_api_only_when_told_to(setting, found):
    script = (
        "from django.test import Client; ask = Client().get; "
        "options = {'secure': True, 'headers': {'Host': 'shop.example.com'}}; "
        "print(*(ask('/api/v1/' + page, **options).status_code for page in ('docs', 'openapi.json')))"
    )
    done = manage("shell", "-v0", "-c", script, **{**GOOD, **setting})
    assert done.stdout.strip() == found, done.stderr


def test_models_and_migrations_agree():
    done = manage("makemigrations", "--check", "--dry-run", DJANGO_SETTINGS_MODULE="config.settings.test")
    assert done.returncode == 0, done.stdout


def test_preparing_twice_seeds_once(tmp_path):
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.sqlite3",
        "SEED_PRODUCTS": "7",
    }
    script = "from catalog.models import Product; print(Product.objects.count())"
    for _ in range(2):
        assert manage("prepare", **environment).returncode == 0
    assert manage("shell", "-v0", "-c", script, **environment).stdout.strip() == "7"


def test_two_that_prepare_at_once_do_not_meet(tmp_path):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "TEMPLATE_DIR": f"{tmp_path}/templates",
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.sqlite3",
        "SEED_PRODUCTS": "7",
    }
    argv = [sys.executable, "manage.py", "prepare"]
    both = [subprocess.Popen(argv, cwd=BACKEND, env=environment) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]


def test_a_postgres_url_becomes_settings():
    found = env.database("postgresql://us%40er:p%2Fw@db:5433/shop?sslmode=require")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("us@er", "p/w", "db", "5433")
    assert found["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(("command", "limited"), [("run_worker", "true"), ("prepare", None), ("seed", None)])
def test_the_workers_statements_are_limited_too(monkeypatch, command, limited):
    seen, surroundings = [], {name: value for name, value in os.environ.items() if "TIMEOUTS" not in name}
    monkeypatch.setattr(os, "environ", surroundings)
    monkeypatch.setattr(sys, "argv", ["manage.py", command])
    monkeypatch.setattr(
        "django.core.management.execute_from_command_line",
        lambda argv: seen.append(os.environ.get("DATABASE_TIMEOUTS")),
    )
    importlib.import_module("manage").main()
    assert seen == [limited]


def test_statements_are_limited_while_requests_are_served(monkeypatch):
    assert "options" not in env.database("postgresql://db/shop")["OPTIONS"]
    script = (
        "import config.wsgi; from django.conf import settings; "
        "print(settings.DATABASES['default']['OPTIONS']['options'])"
    )
    environment = {**GOOD, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=BACKEND,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "-c statement_timeout=10000 -c lock_timeout=5000"


def test_a_flag_that_is_no_flag_is_named(monkeypatch):
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(env.BadEnvironment, match="DEBUG='maybe'"):
        env.flag("DEBUG", False)


def test_a_fresh_database_is_copied_from_the_template(tmp_path, monkeypatch):
    from config import preparation

    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.ci",
        "DATABASE_URL": f"sqlite:///{tmp_path}/first.sqlite3",
        "SEED_PRODUCTS": "7",
        "TEMPLATE_DIR": f"{tmp_path}/templates",
    }
    assert manage("prepare", **environment).returncode == 0
    for name, value in {**environment, "DATABASE_URL": f"sqlite:///{tmp_path}/second.sqlite3"}.items():
        monkeypatch.setenv(name, value)
    assert preparation.prepare()
    assert preparation.is_prepared()
    assert sorted(file.name for file in tmp_path.glob("second*")) == ["second.sqlite3"]
    with closing(sqlite3.connect(tmp_path / "second.sqlite3")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_that_exists_is_not_replaced_by_the_template(tmp_path, monkeypatch):
    from config.template import template_copy, template_path

    monkeypatch.setenv("TEMPLATE_DIR", str(tmp_path))
    template_path("f").write_text("template")
    (tmp_path / "mine").write_text("mine")
    assert not template_copy(fingerprint="f", target=tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.django_db
def test_a_migration_that_fails_is_named(monkeypatch):
    def fail(*words, **options):
        MigrationRecorder.Migration.objects.filter(app="orders", name="0003_retried").delete()
        raise ValueError("no such column: tax")

    monkeypatch.setattr(prepare, "is_prepared", lambda: False)
    monkeypatch.setattr(prepare, "call_command", fail)
    with pytest.raises(ValueError, match="tax") as failure:
        call_command("prepare")
    assert failure.value.__notes__ == ["This happened while orders.0003_retried was applied."]
