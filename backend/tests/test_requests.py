"""What holds for every request: its id, errors of one shape, static files."""

import contextlib
import json
import logging
from io import BytesIO

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.test import Client, RequestFactory

from catalog.stock import OutOfStock
from config.charset import WithoutCharset
from config.logs import JsonFormatter, redact, request_id
from config.tracing import traceparent
from core.middleware import ProblemMiddleware, RequestIdMiddleware
from core.problems import NotFound, Problem

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "request_id"}


def test_a_request_id_is_kept(client):
    assert client.get("/health/", headers={"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"


@pytest.mark.parametrize("asked", ["", "a" * 129, "line\tbreak", "<script>"])
def test_an_unusable_request_id_is_replaced(client, asked):
    given = client.get("/health/", headers={"X-Request-ID": asked})["X-Request-ID"]
    assert given != asked
    assert len(given) == 32


def test_every_log_line_carries_the_request_id():
    request_id.set("the-id")
    record = logging.LogRecord("shop", logging.INFO, "file", 1, "hello %s", ("you",), None)
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["request_id"], line["level"]) == ("hello you", "the-id", "info")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://shop:hunter2@db/x",
        "password=hunter2",
        '{"token": "hunter2"}',
        "Authorization: Bearer hunter2",
    ],
)
def test_secrets_are_masked(text):
    assert "hunter2" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/api/v1/products/none"])
@pytest.mark.django_db
def test_what_is_not_there_is_a_problem(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json().keys() >= PROBLEM_MEMBERS
    assert response.json()["instance"] == path


def test_our_own_bug_is_a_problem_without_details(client, monkeypatch):
    from core import dependencies

    def explode():
        raise RuntimeError("secret details")

    monkeypatch.setattr(dependencies, "readiness", explode)
    client.raise_request_exception = False
    response = client.get("/health/ready/")
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert b"secret details" not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/static/admin/css/base.css", "/api/v1/static/ninja/swagger-ui.css"])
def test_static_files_are_served_without_collecting_them(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert len(b"".join(response.streaming_content)) > 1000
    response.close()


@pytest.mark.django_db
def test_the_admin_asks_to_log_in(client):
    response = client.get("/admin/", follow=True)
    assert response.status_code == 200
    assert b"id_username" in response.content


@pytest.mark.parametrize("path", ["/health/", "/api/v1/facets"])
def test_a_wrong_method_is_refused_as_a_problem_that_says_what_is_served(client, path):
    response = client.put(path)
    assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("debug", [True, False])
def test_a_body_that_is_too_large_is_refused(client, settings, debug):
    settings.DEBUG, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = debug, 100
    response = client.post("/api/v1/accounts/login", "x" * 101, content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (413, "application/problem+json")


@pytest.mark.django_db
def test_a_body_of_the_largest_size_is_read(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = '{"email": "ann@example.com", "password": "x"}'.ljust(100)
    assert client.post("/api/v1/accounts/login", body, content_type="application/json").status_code == 401


@pytest.mark.parametrize(
    ("path", "headers", "status"), [("/" + "x" * 4096, {}, 414), ("/health/", {"X-Long": "x" * 8191}, 431)]
)
def test_an_address_or_a_header_that_is_too_long_is_refused(client, path, headers, status):
    response = client.get(path, headers=headers)
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.django_db
@pytest.mark.parametrize(("size", "status"), [(60, 401), (100, 401), (101, 413), (300, 413)])
def test_a_chunked_body_is_read_and_limited_like_any_other(settings, size, status):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = b'{"email": "ann@example.com", "password": "x"}'.ljust(size)
    given = {"wsgi.input": BytesIO(body), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    response = Client().post("/api/v1/accounts/login", content_type="application/json", **given)
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")


def test_a_chunked_body_that_breaks_off_is_refused(client):
    class Broken(BytesIO):
        def read(self, size=-1):
            raise OSError("the connection was closed")

    given = {"wsgi.input": Broken(), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    response = client.post("/api/v1/accounts/login", content_type="application/json", **given)
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")


def test_a_refused_body_is_read_so_that_its_connection_stays_usable(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = BytesIO(b"x" * 1000)
    given = {"wsgi.input": body, "CONTENT_LENGTH": "1000"}
    assert client.post("/api/v1/accounts/login", content_type="application/json", **given).status_code == 413
    assert body.read() == b""


@pytest.mark.parametrize(
    "content_type",
    [
        "a/b; charset=hex",
        'a/b;charset="undefined"; boundary=x',
        "a/b ;\xa0CharSet* = utf-8''rot13",
        "a/b; charset=utf-16",
        "a/b; charset=utf-8",
        "",
    ],
)
def test_an_address_is_utf_8_whatever_charset_a_content_type_names(rf, content_type):
    seen, environ = [], rf.get("/?q=%C3%A9").environ | {"CONTENT_TYPE": content_type}
    with contextlib.suppress(LookupError, UnicodeError):
        WithoutCharset(lambda given, start: seen.append(WSGIRequest(given).GET["q"]))(environ, None)
    assert seen == ["é"]


def test_of_a_content_type_the_charset_alone_is_dropped(rf):
    seen, environ = [], rf.get("/").environ | {"CONTENT_TYPE": "a/b; charset=hex; boundary=x"}
    WithoutCharset(lambda given, start: seen.append(given["CONTENT_TYPE"]))(environ, None)
    assert seen == ["a/b; boundary=x"]


def test_docs_need_no_foreign_host(client):
    page = client.get("/api/v1/docs").content.decode()
    assert "swagger-ui" in page
    assert "://" not in page.replace("http://testserver", "")


def test_the_api_describes_itself(client):
    document = client.get("/api/v1/openapi.json").json()
    assert "/api/v1/products" in document["paths"]


def test_the_description_is_made_once(client, monkeypatch):
    first = client.get("/api/v1/openapi.json").content
    monkeypatch.setattr("ninja.main.get_schema", None)
    assert client.get("/api/v1/openapi.json").content == first


def test_the_description_says_that_errors_are_problems_and_the_key_is_demanded(client):
    checkout = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/checkout"]["post"]
    assert set(checkout["responses"]["409"]["content"]) == {"application/problem+json"}
    assert [one["required"] for one in checkout["parameters"] if one["name"] == "Idempotency-Key"] == [True]


@pytest.mark.parametrize("path", ["/health/", "/api/v1/nothing", "/api/v1/static/admin/css/base.css"])
@pytest.mark.django_db
def test_head_has_the_fields_of_get_and_no_body(path):
    """Asked of the WSGI application itself: Django's test client would drop the body on its own."""

    def ask(method):
        fields = {}
        environ = RequestFactory().generic(method, path).environ
        response = get_wsgi_application()(environ, lambda status, headers: fields.update(headers))
        with contextlib.closing(response):
            return b"".join(response), fields

    _, get_fields = ask("GET")
    body, fields = ask("HEAD")
    assert body == b""
    assert fields["Content-Type"] == get_fields["Content-Type"]
    assert fields.get("Content-Length") == get_fields.get("Content-Length")


def test_as_many_unknown_parameters_are_named_as_anybody_reads(client, db):
    unknown = {f"unknown-{number:02}" + "x" * 100: "1" for number in range(25)}
    response = client.get("/api/v1/products", unknown)
    assert response.status_code == 422
    errors = response.json()["errors"]
    assert len(errors) == 20
    assert {len(error["location"][1]) for error in errors} == {100}


@pytest.mark.parametrize(
    ("debug", "path", "status", "accept", "is_problem"),
    [
        (True, "/x", 404, "*/*", True),
        (True, "/x", 404, "text/html,*/*", False),
        (True, "/x", 200, "*/*", False),
        (True, "/x", 500, "*/*", False),
        (True, "/admin/x", 404, "*/*", False),
        (True, "/api/v1/..;/admin/x", 404, "*/*", True),
        (False, "/x", 404, "*/*", False),
    ],
)
def test_the_page_for_developers_is_for_browsers(rf, settings, debug, path, status, accept, is_problem):
    settings.DEBUG = debug
    middleware = ProblemMiddleware(lambda request: HttpResponse("<html>", status=status))
    response = middleware(rf.get(path, headers={"Accept": accept}))
    assert response.status_code == status
    assert (response["Content-Type"] == "application/problem+json") is is_problem


def test_the_id_of_a_request_is_known_to_whatever_handles_it(rf):
    seen = []

    def handle(request):
        seen.append((request_id.get(), traceparent.get()))
        return HttpResponse()

    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    middleware = RequestIdMiddleware(handle)
    middleware(rf.get("/", headers={"X-Request-ID": "abc-2", "Traceparent": parent}))
    middleware(rf.get("/", headers={"X-Request-ID": "abc-3", "Traceparent": "none"}))
    assert seen == [("abc-2", parent), ("abc-3", "")]


@pytest.mark.parametrize("problem", [Problem("not so", errors=[]), OutOfStock(7), NotFound("not so")])
def test_a_problem_says_what_it_is_also_where_nobody_answers_with_it(problem):
    assert str(problem) == problem.detail
    assert problem.detail in ("not so", "Not enough units are available.")
