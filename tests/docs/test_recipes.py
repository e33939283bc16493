"""The recipe for a new service: its YAML, copied from the page into the compose file, runs (local engine)."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from docs.conftest import Reader, install
from stack.system.directories import ROOT

BLOCK = re.compile(r"^( *)```yaml\n( *my-service:\n.*?)^\1```$", re.MULTILINE | re.DOTALL)
PROJECT = '[project]\nname = "my-service"\nversion = "1"\nrequires-python = ">=3.11"\n'
RECIPES = {"ci": "CONTRIBUTING.md", "local": "docs/integration-environment.md"}
SERVICE = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

address = (os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "3000")))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


def recipe(page: str) -> str:
    """Return the YAML of the page's new service, indented as it stands in a compose file."""
    match = BLOCK.search((ROOT / page).read_text(encoding="utf-8"))
    assert match, f"{page} has no YAML of my-service"
    return "".join(f"{line.removeprefix(match[1])}\n" for line in match[2].splitlines())


@pytest.fixture(params=RECIPES)
def kind_with_service(request: pytest.FixtureRequest, reader: Reader) -> Iterator[str]:
    """The kind of a stack whose compose file has the service of its page's recipe."""
    kind: str = request.param
    install(reader.folder, reader.environment)
    inv(reader, "down", "--stack", kind, "--volumes")  # the pages may have left it running
    folder = reader.folder / "my-service"
    folder.mkdir()
    (folder / "main.py").write_text(SERVICE)
    (folder / "requirements.txt").write_text("")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "Dockerfile").write_text('FROM python:3.13-slim\nCMD ["python", "main.py"]\n')
    compose_file = reader.folder / "compose" / f"docker-compose.{kind}.yml"
    before = compose_file.read_text(encoding="utf-8")
    compose_file.write_text(before.replace("\nservices:\n", f"\nservices:\n{recipe(RECIPES[kind])}\n", 1))
    yield kind
    inv(reader, "down", "--stack", kind, "--volumes")
    compose_file.write_text(before)
    for path in sorted(folder.iterdir()):
        path.unlink()
    folder.rmdir()


def inv(reader: Reader, *words: str) -> str:
    process = subprocess.run(
        ["inv", *words],
        cwd=reader.folder,
        env=reader.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_a_service_added_by_the_recipe_becomes_ready(kind_with_service: str, reader: Reader) -> None:
    inv(reader, "up", "--stack", kind_with_service, "--engine", "local")
    rows = json.loads(inv(reader, "ps", "--stack", kind_with_service, "--json"))
    assert {row["service"]: row["state"] for row in rows}["my-service"] == "ready"
