"""The backend's own tests: SQLite in memory or TEST_DATABASE_URL, no Redis, cheap passwords."""

import os

os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "sqlite:///:memory:")
os.environ["REDIS_URL"] = ""
os.environ["VAULT_DISABLED"] = "true"

from config import vault
from config.settings.base import *

SECRET_KEY = "test-only-key-that-protects-nothing"
ALLOWED_HOSTS = ["testserver", "backend", "localhost", "127.0.0.1"]
DATABASES["default"]["OPTIONS"].pop("init_command", None)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PAYMENT_WEBHOOK_SECRET = vault.secret("PAYMENT_WEBHOOK_SECRET", "sandbox-webhook-secret")
RATE_LIMITS |= {"login-address": "100000/hour", "register-address": "100000/hour"}
ANONYMOUS_SHARE_PERCENT = 100
