"""The integration environment in CI: like development, never in DEBUG unless asked."""

from config.settings.base import *

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY", "ci-only-key-that-protects-nothing")
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), "backend", "localhost", "127.0.0.1", "[::1]"]
