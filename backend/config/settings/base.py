"""Settings that every environment shares."""

from importlib.util import find_spec
from pathlib import Path

from config import env, logs, preparation, trusted_proxies

BASE_DIR = preparation.BASE_DIR
NINJA_DIR = Path(find_spec("ninja").origin).parent  # found, not imported: it costs 0.5 s

DEBUG = False
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # config/admin_urls.py discovers at the first request
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "core",
    "accounts",
    "catalog",
    "carts",
    "orders",
    "payments",
    "events",
    "operations",
]

# Addresses and networks; X-Forwarded-For, -Proto and -Host are believed from these only.
TRUSTED_PROXIES = trusted_proxies.networks(env.words("TRUSTED_PROXIES"))

MIDDLEWARE = [
    "core.middleware.HeadMiddleware",
    "config.trusted_proxies.TrustedProxyMiddleware",
    "core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.middleware.StaticFilesMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "config.policies.CachePolicyMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.limits.RequestLimitsMiddleware",
    "core.middleware.ProblemMiddleware",
    "catalog.middleware.CachedProductMiddleware",
    "core.middleware.AdminSessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "core.middleware.AdminAuthenticationMiddleware",
    "core.middleware.AdminMessageMiddleware",
]

METRICS_ADDRESS = env.address("METRICS_ADDRESS")
if METRICS_ADDRESS is not None:
    MIDDLEWARE.insert(0, "core.metrics.MetricsMiddleware")

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [NINJA_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        **env.database(preparation.database_url()),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.text("REDIS_URL", "")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.ThrottledBackend"]
SESSION_ENGINE = "core.sessions"
PASSWORD_HASHERS = ["accounts.hashers.PatientPBKDF2PasswordHasher"]
RATE_LIMITS = {
    # Attempts; a successful login resets those of its account.
    "login-account": env.text("LIMIT_LOGINS_PER_ACCOUNT", "100/hour"),
    "login-account-address": env.text("LIMIT_LOGINS_PER_ACCOUNT_AND_ADDRESS", "10/10 minutes"),
    "login-address": env.text("LIMIT_LOGINS_PER_ADDRESS", "100/10 minutes"),
    "register-address": env.text("LIMIT_REGISTRATIONS_PER_ADDRESS", "30/hour"),
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "api/v1/static/"  # below what the gateway forwards: the page of /api/v1/docs needs them
STATICFILES_DIRS = [NINJA_DIR / "static"]
# Served from where the packages hold them: no collectstatic step, no writable folder.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

SEED_PRODUCTS = env.number("SEED_PRODUCTS", 1000)
SHOP_CURRENCY = "EUR"
PAYMENT_PROVIDER = env.text("PAYMENT_PROVIDER", "sandbox")
API_DOCS = env.flag("API_DOCS", True)
TOKEN_HOURS = env.number("TOKEN_HOURS", 24 * 14, minimum=1)
ANONYMOUS_SHARE_PERCENT = env.number("ANONYMOUS_SHARE_PERCENT", 50, minimum=1)
RESERVATION_S = env.number("RESERVATION_S", 15 * 60, minimum=1)
EVENT_STREAM = env.text("EVENT_STREAM", "shop.events")
EVENT_STREAM_LENGTH = 100_000
WORKER_HEARTBEAT = Path(heartbeat) if (heartbeat := env.text("WORKER_HEARTBEAT", "")) else None
RUN_WORKER_IN_PROCESS = env.flag("RUN_WORKER_IN_PROCESS", False)
WORKER_PAUSE_MS = env.number("WORKER_PAUSE_MS", 200, minimum=1)

LOGGING = logs.configuration(env.text("LOG_LEVEL", "INFO").upper())
