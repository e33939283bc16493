"""Gateway and backend report errors in one shape, and the gateway passes on the backend's unchanged."""

from __future__ import annotations

import pytest

from shop import Service, problem

REFUSED = [
    ("GET", "/api/v1/products/there-is-no-such-thing", 404),
    ("GET", "/api/v1/there-is-no-such-thing", 404),
    ("GET", "/api/v1/products?limit=0", 422),
    ("GET", "/api/v1/products?limit=many", 422),
    ("GET", "/api/v1/products?cursor=nonsense", 400),
    ("GET", "/api/v1/products?there-is-no-such-question=1", 422),
]


@pytest.mark.parametrize(("method", "path", "status"), REFUSED)
def test_what_the_backend_refuses_is_a_problem_on_both_ways(
    backend: Service, gateway: Service, method: str, path: str, status: int
) -> None:
    identity = {"X-Request-ID": "the-same-on-both-ways"}
    direct, through = (service.ask(method, path, headers=identity) for service in (backend, gateway))
    assert direct.status_code == through.status_code == status
    assert problem(through) == problem(direct)


def test_there_is_nothing_at_an_unknown_address(either: Service) -> None:
    response = either.get("/there-is-no-such-page")
    assert response.status_code == 404
    assert problem(response)["instance"] == "/there-is-no-such-page"


def test_a_method_that_is_not_served_says_which_are(gateway: Service) -> None:
    response = gateway.ask("DELETE", "/health")
    assert problem(response)["status"] == 405
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_catalogue_cannot_be_written(backend: Service, gateway: Service, method: str) -> None:
    direct, through = (
        service.ask(method, "/api/v1/products", json={"name": "x"}) for service in (backend, gateway)
    )
    assert direct.status_code == through.status_code
    assert 400 <= through.status_code < 500
