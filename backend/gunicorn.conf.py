"""How Gunicorn runs the shop; found in the working directory. HOST, PORT, WEB_CONCURRENCY decide."""

import gc
import importlib
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from config import access, env, logs, preparation
from core import turns

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
bind = f"{env.text('HOST', '0.0.0.0')}:{env.number('PORT', 8000, minimum=1)}"
metrics_address = env.address("METRICS_ADDRESS")
if metrics_address:
    bind = [bind, "{}:{}".format(*metrics_address)]
workers = env.number("WEB_CONCURRENCY", 1, minimum=1)
worker_class = "gthread"
threads = env.number("WEB_THREADS", 4, minimum=1)  # measured: benchmarks/shop_threads.py
timeout = 60
graceful_timeout = env.number("GRACEFUL_TIMEOUT_S", 20, minimum=1)
keepalive = 75  # longer than the gateway's pool keeps an idle connection, so that it never meets a closed one
backlog = 2048
# The shop's own limits are lower (core/limits.py), so that it can refuse in its own words.
limit_request_line = 8190
limit_request_fields = 120  # the gateway's 100 and those that it adds
limit_request_field_size = 16380
# Gunicorn itself trusts no proxy: config/trusted_proxies.py decides, and paths never come from a header.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers = {}
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None
control_socket_disable = True  # the root file system is read-only, and nothing uses it
logger_class = "config.access.AccessLogger"
logconfig_dict = logs.configuration(env.text("LOG_LEVEL", "INFO").upper())
accesslog = None
WARM_UP_WITHIN_S = 3.0
has_responded = threading.Event()
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def on_starting(server):
    """Prepare before there is a worker: the database, the workers' turns, a folder for what they count."""
    _prepare()
    turns.share_turns(worker_tmp_dir)
    if metrics_address:
        os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix="metrics-")


def post_worker_init(worker):
    """Warm up soon: a worker that no request has reached yet must not keep the first one waiting."""
    threading.Thread(target=_warm_up, daemon=True).start()


def child_exit(server, worker):
    """Forget what a worker was busy with when it ended; its counters stay."""
    if METRICS_FOLDER in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)


def on_exit(server):
    """Remove the folder of the metrics."""
    if folder := os.environ.pop(METRICS_FOLDER, None):
        shutil.rmtree(folder, ignore_errors=True)


def on_reload(server):
    """Prepare for new code, which may bring new migrations; the old workers serve meanwhile."""
    _prepare()


def pre_request(worker, req):
    """Measure the request's duration from here, and log nothing of our own yet."""
    access.note_begin(req)


def post_request(worker, req, environ, resp):
    """Let this worker warm up now: it would have made the first response come later."""
    has_responded.set()


def _prepare():
    try:
        is_prepared = preparation.prepare()
    except env.BadEnvironment as refusal:
        sys.exit(f"The backend does not start: {refusal}")
    if not is_prepared:
        sys.exit("The backend does not start: its database could not be prepared, see above.")


def _warm_up():
    has_responded.wait(WARM_UP_WITHIN_S)
    importlib.import_module("config.api_urls").warm_up()
    gc.freeze()  # what was imported stays: a collection that looks at it all stops every thread meanwhile
