"""The page: it comes with what its first picture shows, and names every file that it needs."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from dashboard.page import FOLDER
from starlette.testclient import TestClient

from tests.conftest import EVENTS, RUN, write_run


class Page(HTMLParser):
    """Collects the text of the element that holds the newest run, and every element's name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.newest, self.elements, self._inside = "", [""], False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self._inside = ("id", "newest") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.newest += data


def test_the_page_brings_the_newest_run_along(client: TestClient, runs: Path) -> None:
    write_run(runs)
    newest = json.loads(Page(client.get("/").text).newest)
    assert (newest["run"], newest["phase"]) == (RUN, "up")
    assert newest == client.get("/api/overview").json()


def test_without_a_run_the_page_brings_none(client: TestClient) -> None:
    assert json.loads(Page(client.get("/").text).newest) is None


def test_what_a_service_says_is_no_markup_of_the_page(client: TestClient, runs: Path) -> None:
    text = "</script><img src=x><!--"
    write_run(runs, events=[*EVENTS, {"at": 102.0, "kind": "error", "text": text}])
    page = Page(client.get("/").text)
    assert json.loads(page.newest)["error"] == text
    assert "img" not in page.elements


def test_the_page_names_every_module_of_its_first_picture_so_that_they_are_fetched_at_once(
    client: TestClient,
) -> None:
    named = set(re.findall(r'(?:href|src)="([^"]+\.js)"', client.get("/").text))
    needed, reached = {"main.js"}, set[str]()
    while left := needed - reached:
        reached |= left
        for name in left:
            module = (FOLDER / name).read_text()
            needed |= set(re.findall(r'^import .* from "\./(.+)";', module, re.MULTILINE))
    assert named == needed


def test_each_file_of_the_page_is_served_as_what_it_is(client: TestClient) -> None:
    for file in FOLDER.glob("*.[!h]*"):
        answer = client.get(f"/{file.name}")
        assert answer.status_code == 200
        assert file.suffix[1:].replace("js", "javascript") in answer.headers["content-type"]
