"""The integration environment in CI: like development, never in DEBUG unless asked."""

from config import vault
from config.settings import one_address
from config.settings.base import *

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = vault.secret("SECRET_KEY", "ci-only-key-that-protects-nothing")
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), "backend", "localhost", "127.0.0.1", "[::1]"]
PAYMENT_WEBHOOK_SECRET = vault.secret("PAYMENT_WEBHOOK_SECRET", "sandbox-webhook-secret")
# Without a worker service beside it; with one, both may run.
RUN_WORKER_IN_PROCESS = env.flag("RUN_WORKER_IN_PROCESS", True)
RATE_LIMITS |= one_address.LIMITS
ANONYMOUS_SHARE_PERCENT = env.number("ANONYMOUS_SHARE_PERCENT", 100, minimum=1)
