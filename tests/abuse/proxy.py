"""A real nginx with a certificate of its own, as it stands in front of the shop in production."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from abuse.services import HOST, Process
from crashes.processes import free_port

DOMAIN = "shop.example"
SOURCE = "127.0.0.7"
"""The address from which nginx connects to the gateway."""
MISSING = (
    "nginx is not installed, so production behind a TLS proxy is NOT tested: apt-get install nginx-light"
)
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 100; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {host}:{port} ssl;
    server_name {domain};
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    location / {{
      proxy_pass {gateway};
      proxy_bind {source};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Forwarded-Proto $scheme;
    }}
  }}
}}
"""


def make_certificate(folder: Path) -> None:
    """Make a certificate for DOMAIN, signed by itself."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -keyout key.pem -out certificate.pem"
    subject = ["-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}"]
    subprocess.run([*command.split(), *subject], cwd=folder, check=True, capture_output=True, timeout=60)


def nginx(folder: Path, gateway: Process) -> Process:
    """Return nginx in front of the gateway; its absence is a failure, not a skip."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.fail(MISSING, pytrace=False)
    make_certificate(folder)
    port = free_port()
    text = CONFIGURATION.format(
        folder=folder, host=HOST, port=port, domain=DOMAIN, gateway=gateway.url, source=SOURCE
    )
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    argv = [
        program,
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "nginx-error.log"),
    ]
    return Process(argv=argv, folder=folder, environment={}, log=folder / "nginx.log", port=port)


def trust(folder: Path) -> ssl.SSLContext:
    """Return a client's context that trusts this certificate only."""
    return ssl.create_default_context(cafile=folder / "certificate.pem")
