"""Who may read the page."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.conftest import TOKEN


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(client: TestClient) -> None:
    client.cookies.clear()
    answer = client.get("/", params={"token": TOKEN}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_the_pages_of_two_stacks_may_be_open_in_one_browser(client: TestClient) -> None:
    """Browsers send the cookies of one port to every other one."""
    client.cookies.clear()
    own, other = ({"host": f"127.0.0.1:{port}"} for port in (4001, 4002))
    client.get("/", params={"token": TOKEN}, headers=own, follow_redirects=False)
    client.cookies.set("dashboard_token_4002", "the token of another stack")
    assert client.get("/main.js", headers=own).status_code == 200
    assert client.get("/main.js", headers=other).status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/api/overview", "/api/logs", "/api/metrics", "/api/snapshots", "/main.js", "/api/events"]
)
def test_without_the_token_nothing_is_shown(client: TestClient, path: str) -> None:
    client.cookies.clear()
    answer = client.get(path)
    assert answer.status_code == 403
    assert "inv dashboard" in answer.json()["title"]


def test_a_wrong_token_is_refused(client: TestClient) -> None:
    client.cookies.clear()
    assert client.get("/api/runs", params={"token": TOKEN[:-1]}).status_code == 403


def test_a_person_with_a_wrong_token_reads_a_sentence(client: TestClient) -> None:
    client.cookies.clear()
    answer = client.get("/", params={"token": "wrong"}, headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 403
    assert "<p>The token is missing or wrong: `inv dashboard` prints the address with it.</p>" in answer.text


def test_a_foreign_host_in_that_sentence_is_text(client: TestClient) -> None:
    answer = client.get("/", headers={"accept": "text/html", "host": "<b>evil</b>"})
    assert answer.status_code == 421
    assert "&lt;b&gt;evil&lt;/b&gt;" in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:4318",
        "localhost.evil.example",
        "127.0.0.1:80/health?",
        "127.0.0.1:80:evil.example",
        "",
    ],
)
def test_another_name_for_this_machine_is_refused(client: TestClient, host: str) -> None:
    """DNS rebinding: a page of another origin whose name was made to point here."""
    assert client.get("/api/overview", headers={"host": host}).status_code == 421


def test_no_other_origin_may_read_an_answer(client: TestClient) -> None:
    answer = client.get("/api/runs", headers={"origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_the_page_asks_nothing_of_the_internet(client: TestClient) -> None:
    for path in (
        "/",
        "/main.js",
        "/dom.js",
        "/services.js",
        "/logs.js",
        "/traces.js",
        "/metrics.js",
        "/records.js",
        "/snapshots.js",
        "/style.css",
    ):
        text = client.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text
