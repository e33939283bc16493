"""The WSGI application that Gunicorn serves."""

import os
import sys

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

from config import env, tracing
from config.charset import WithoutCharset

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
os.environ.setdefault("DATABASE_TIMEOUTS", "true")

try:
    application = get_wsgi_application()
    if provider := tracing.start("backend"):  # adds a middleware, which the next handler has
        from config.sampling import SampledRequests

        application = SampledRequests(plain=application, traced=WSGIHandler(), sampler=provider.sampler)
    application = WithoutCharset(application)
    if metrics_address := env.address("METRICS_ADDRESS"):
        from operations.metrics_endpoint import WithMetrics

        application = WithMetrics(application, port=metrics_address[1])
except env.BadEnvironment as refusal:
    # One sentence instead of a traceback. Gunicorn gives up on code 3 instead of trying for ever.
    print(f"The backend does not start: {refusal}", file=sys.stderr)
    raise SystemExit(3) from None
