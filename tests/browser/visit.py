"""One visit to a page of the stack: what it shows, and whom it asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect

from browser.stack import wait_until

PATIENCE_MS = 60_000.0
VIEWS = ("Services", "Logs", "Traces", "Metrics", "Tests", "Runs", "Snapshots")
"""The links of the page's navigation, in the order of their keys 1 to 7."""

# For each element with a text of its own, how its colour contrasts with what is behind it, as defined in
# https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio; returns the texts of those below 4.5.
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("noscript, title, option") || !element.checkVisibility()) continue;
    const { fill, color } = getComputedStyle(element), colour = element instanceof SVGElement ? fill : color;
    const [a, b] = [luminance(parse(colour).slice(0, 3)), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${element.textContent.trim().slice(0, 40)} (${ratio.toFixed(2)})`);
  }
  return weak;
}"""


@dataclass(kw_only=True)
class Visit:
    """A page in a browser of its own; ``strangers`` are addresses of other origins that it asked."""

    page: Page
    origin: str
    pictures: str = ""
    strangers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def open(cls, chromium: Browser, address: str, *, pictures: str = "", **context: Any) -> Iterator[Visit]:
        """Open an address and close its browser in the end; ``context`` are options of Playwright's."""
        own = chromium.new_context(**{"viewport": {"width": 1280, "height": 860}, **context})
        own.set_default_timeout(PATIENCE_MS)
        split = urlsplit(address)
        visit = cls(page=own.new_page(), origin=f"{split.scheme}://{split.netloc}", pictures=pictures)
        own.on("request", lambda request: visit._note(request.url))
        own.on("weberror", lambda error: visit.errors.append(str(error.error)))
        try:
            visit.page.goto(address)
            yield visit
        except BaseException:
            visit.picture("failed")
            raise
        finally:
            own.close()

    def _note(self, url: str) -> None:
        if not url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.strangers.append(url)

    def require_quiet(self) -> None:
        """Require that the page asked no other origin and raised no error."""
        assert (self.strangers, self.errors) == ([], [])

    def go(self, view: str) -> None:
        """Click on a view and wait until it is drawn."""
        self.page.get_by_role("navigation").get_by_role("link", name=view).click()
        self.require_view(view)

    def require_view(self, view: str) -> None:
        """Wait until a view is drawn, and marked as the current one."""
        link = self.page.get_by_role("navigation").get_by_role("link", name=view)
        expect(link).to_have_attribute("aria-current", "page")
        expect(self.page).to_have_url(re.compile(rf"#/{view.lower()}"))
        expect(self.content).to_have_attribute("aria-busy", "false")

    @property
    def content(self) -> Locator:
        return self.page.locator("#view")

    def require_text(self, *texts: str | re.Pattern[str]) -> None:
        """Wait until the view contains each of ``texts``."""
        for text in texts:
            expect(self.content).to_contain_text(text)

    def spans(self, name: str | re.Pattern[str] | None = None) -> Locator:
        """Return the spans of the trace that is shown, those of a name where one is given."""
        every = self.content.locator("svg g[role=button]")
        return every if name is None else self.content.get_by_role("button", name=name).and_(every)

    def open_trace(self, trace: str, *, spans: int) -> None:
        """Open a trace and wait, without a reload, until so many spans of it have arrived."""
        self.page.goto(f"{self.origin}/#/traces/{trace}")
        expect(self.spans().nth(spans - 1)).to_be_visible()

    def require_readable(self) -> None:
        """Require that every text has the contrast that people with weak sight need, and fits in the page."""
        assert self.page.evaluate(CONTRAST) == []
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(wide) <= 0, "the page is wider than its window"

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until ``condition`` holds, while the handlers of the page's requests run."""
        wait_until(condition, what, pause=lambda: self.page.wait_for_timeout(50))

    def picture(self, name: str) -> None:
        """Keep a picture of the page where somebody wants to look at it."""
        if self.pictures:
            self.page.screenshot(path=Path(self.pictures) / f"{name}.png", full_page=True)

    def focused(self) -> dict[str, Any]:
        """Return what has the keyboard: its name, and the width of the outline that shows it."""
        return dict(
            self.page.evaluate(
                """() => {
                  const at = document.activeElement, style = getComputedStyle(at);
                  return {
                    name: at.getAttribute("aria-label") ?? at.closest("label")?.textContent ?? at.textContent,
                    tag: at.tagName.toLowerCase(), id: at.id,
                    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
                  };
                }"""
            )
        )
