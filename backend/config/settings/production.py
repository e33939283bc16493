"""Production: all protection is on, every secret is required."""

from config import vault
from config.settings.base import *
from config.settings.secrets import require_secret

DEBUG = False
SECRET_KEY = require_secret("SECRET_KEY", vault.secret("SECRET_KEY", ""))
PAYMENT_WEBHOOK_SECRET = require_secret("PAYMENT_WEBHOOK_SECRET", vault.secret("PAYMENT_WEBHOOK_SECRET", ""))
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS")
if not ALLOWED_HOSTS:
    raise env.BadEnvironment("ALLOWED_HOSTS is not set: name the hosts of this shop.")
if vault.is_disabled() and not env.text("DATABASE_URL", ""):
    raise env.BadEnvironment("DATABASE_URL is not set: production has no database of its own.")

PAYMENT_PROVIDER = env.text("PAYMENT_PROVIDER", "")
if PAYMENT_PROVIDER == "sandbox":
    raise env.BadEnvironment("PAYMENT_PROVIDER=sandbox moves no money: production does not start with it.")

API_DOCS = env.flag("API_DOCS", False)
SEED_PRODUCTS = env.number("SEED_PRODUCTS", 0)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
# Behind the gateway, which TRUSTED_PROXIES names; the middleware drops these headers of everybody else.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_X_FORWARDED_HOST = True
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # probes speak plain HTTP from inside the network
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = env.flag("SECURE_HSTS_PRELOAD", False)  # cannot be taken back for months
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
