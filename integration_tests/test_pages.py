"""Pages for people: the admin and the documentation, with the files that they need."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from shop import Service

TYPES = {".css": "text/css", ".js": "javascript", ".png": "image/png", ".svg": "image/svg+xml"}


class Files(HTMLParser):
    """Collects what a page loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        loaded = values.get("src") if tag == "script" else values.get("href") if tag == "link" else None
        if loaded:
            self.found.append(loaded)


def assert_served(service: Service, response: requests.Response) -> list[str]:
    """Return the files that a page loads, each of which this service serves with the right type."""
    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (200, "text/html")
    paths = [urljoin(response.url, file) for file in Files(response.text).found]
    for path in paths:
        assert path.startswith(f"{service.url}/"), f"{path} is not of this stack"
        file = service.get(path.removeprefix(service.url))
        assert file.status_code == 200, path
        assert file.content, path
        suffix = "." + urlsplit(path).path.rpartition(".")[2]
        assert TYPES[suffix] in file.headers["Content-Type"], path
    return paths


def test_admin_requires_a_login(backend: Service) -> None:
    response = backend.get("/admin/")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


def test_admin_login_page_has_its_form_and_its_files(backend: Service) -> None:
    response = backend.get("/admin/login/")
    assert 'name="username"' in response.text
    assert 'name="csrfmiddlewaretoken"' in response.text
    assert len(assert_served(backend, response)) >= 3


def test_admin_refuses_an_unknown_user(backend: Service) -> None:
    page = backend.get("/admin/login/")
    token = page.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    response = backend.ask(
        "POST",
        "/admin/login/",
        data={"username": "nobody-of-that-name", "password": "wrong", "csrfmiddlewaretoken": token},
        headers={"Referer": f"{backend.url}/admin/login/"},
    )
    assert response.status_code == 200
    assert "errornote" in response.text


def test_the_admin_is_not_to_be_had_through_the_gateway(gateway: Service) -> None:
    assert gateway.get("/admin/login/").status_code == 404
    assert gateway.get("/api/v1/%2e%2e/%2e%2e/admin/login/").status_code in {400, 404}


def test_gateway_docs_come_with_all_their_files(gateway: Service) -> None:
    assert len(assert_served(gateway, gateway.get("/docs"))) >= 3


@pytest.mark.parametrize("name", ["backend", "gateway"])
def test_backend_docs_come_with_all_their_files(name: str, request: pytest.FixtureRequest) -> None:
    service: Service = request.getfixturevalue(name)
    assert len(assert_served(service, service.get("/api/v1/docs"))) >= 2


def test_gateway_describes_itself(gateway: Service) -> None:
    assert {"/health", "/health/ready"} <= gateway.get("/openapi.json").json()["paths"].keys()
