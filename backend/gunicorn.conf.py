"""How Gunicorn runs the shop; found in the working directory. HOST, PORT, WEB_CONCURRENCY decide."""

import importlib
import os
import threading
from pathlib import Path

from gunicorn.arbiter import Arbiter

from config import env, logs, preparation
from config.balance import balance

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
bind = f"{env.text('HOST', '0.0.0.0')}:{env.number('PORT', 8000, minimum=1)}"
workers = env.number("WEB_CONCURRENCY", 1, minimum=1)
worker_class = "config.workers.FairWorker"
threads = env.number("WEB_THREADS", 8, minimum=1)
timeout = 60
graceful_timeout = env.number("GRACEFUL_TIMEOUT_S", 20, minimum=1)
keepalive = 75  # longer than the gateway's pool keeps an idle connection, so that it never meets a closed one
backlog = 2048
limit_request_line = 8190
# Gunicorn itself believes nobody: config/trusted_proxies.py decides, and paths never come from a header.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers = {}
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None
control_socket_disable = True  # the root file system is read-only, and nobody listens to it
logger_class = "config.access.AccessLogger"
logconfig_dict = logs.configuration(env.text("LOG_LEVEL", "INFO").upper())
accesslog = None
afterwards = threading.Event()


def on_starting(server):
    """Start preparing the database; the workers import their code meanwhile."""
    preparation.begin()


def on_reload(server):
    """New code may bring new migrations."""
    preparation.begin()


def pre_fork(server, worker):
    """Give a worker a place to say how many connections it has."""
    worker.slot = balance.free_slot(other.slot for other in server.WORKERS.values())


def child_exit(server, worker):
    """Nothing is left to a worker that has ended, however it did."""
    balance.leave(worker.slot)


def post_worker_init(worker):
    """Serve nothing before the database is prepared; without it the whole server ends."""
    if not preparation.finish(meanwhile=worker.notify):
        raise SystemExit(Arbiter.WORKER_BOOT_ERROR)


def pre_request(worker, req):
    """A client is told before it sends its next request into a connection that ends."""
    importlib.import_module("config.refusals").close_after_too_much(req)


def post_request(worker, req, environ, resp):
    """After the first answer, do what would have made it come later."""
    if not afterwards.is_set():
        afterwards.set()
        threading.Thread(target=_after_first_answer, daemon=True).start()


def _after_first_answer():
    importlib.import_module("config.api_urls").warm_up()


def on_exit(server):
    """A server that ends does not go on preparing."""
    preparation.stop()
