from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from browser.stack import Stack
from browser.visit import PATIENCE_MS, Visit

ENGINE = os.environ.get("BROWSER_ENGINE", "local")
"""Which engine runs the stack: ``local`` or ``docker``."""

PROFILES = "--profile observability" + (" --profile tools" if ENGINE == "local" else "")

collect_ignore = [] if ENGINE == "local" else ["test_tools.py"]
"""No registry has to give the images of these pages: their test is one of the local engine."""

PICTURES = os.environ.get("BROWSER_PICTURES", "")
"""A folder for a picture of each view, "" for none."""


@pytest.fixture(scope="session", autouse=True)
def home() -> Iterator[None]:
    """Keep the stack in a state folder of its own, which the servers' account may enter."""
    with tempfile.TemporaryDirectory(prefix="browser-") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)
        patch.setenv("STACK_HOME", folder)
        patch.setenv("NO_COLOR", "1")
        for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "CI"):
            patch.delenv(name, raising=False)  # `inv open` prints the address only
        yield


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack `local` with its dashboard; its data goes with it."""
    running = Stack(name=f"browser-{secrets.token_hex(3)}", engine=ENGINE)
    try:
        running.inv(f"up --engine {ENGINE} {PROFILES} --timeout 380", limit_s=400)
        yield running
    finally:
        running.inv("down --volumes", limit_s=120)


@pytest.fixture(scope="session")
def address(stack: Stack) -> str:
    """What `inv dashboard` prints: the page's address with its token."""
    printed = stack.inv("dashboard").strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", printed)
    return printed


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; nothing is downloaded."""
    program = shutil.which("chromium")
    assert program, "There is no chromium (Debian: apt install chromium)."
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Which colours the person at the page prefers."""
    return str(request.param)


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Visit]:
    """The dashboard, opened by its address. It must have asked nobody else and raised no error."""
    with Visit.open(chromium, address, pictures=PICTURES) as page:
        yield page
        page.require_quiet()
