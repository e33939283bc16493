"""A developer's machine: DEBUG as asked, a key that is no secret."""

from config.settings.base import *

DEBUG = env.flag("DEBUG", True)
SECRET_KEY = env.text("SECRET_KEY", "development-only-key-that-protects-nothing")
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), "backend", "localhost", "127.0.0.1", "[::1]"]
