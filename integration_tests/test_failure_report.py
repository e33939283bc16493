"""What is recorded and shown of a test that fails, and of services that are not ready."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from failures import FILE
from fresh_database import TestDatabases
from readiness import NOT_READY, why_not_ready

HERE = Path(__file__).parent
CONFTEST = """
import pytest
pytest.register_assert_rewrite("shop")
from failures import pytest_runtest_makereport, pytest_runtest_setup
import readiness
"""
TESTS = """
import os
from shop import Service, problem

def ask(name, path="/products"):
    with Service(url=os.environ[name]) as service:
        return service.get(path)

def test_failing():
    assert ask("FAILING_URL").status_code == 200

def test_closed():
    ask("CLOSED_URL")

def test_helper():
    problem(ask("FAILING_URL"))

def test_missing():
    assert ask("FAILING_URL", "/missing").status_code == 200
"""


@pytest.fixture
def run_tests(tmp_path: Path, failing_url: str, closed_url: str):
    """Run tests that fail in a folder of their own, which is their run's folder, too."""

    def run(conftest: str = CONFTEST) -> subprocess.CompletedProcess[str]:
        (tmp_path / "conftest.py").write_text(conftest)
        (tmp_path / "test_own.py").write_text(TESTS)
        environment = {"FAILING_URL": failing_url, "CLOSED_URL": closed_url, "BACKEND_URL": failing_url}
        environment |= {"GATEWAY_URL": closed_url, "PYTHONPATH": str(HERE), "STACK_RUN": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_a_failure_is_recorded_with_its_assertion_and_the_service_s_answer(run_tests, tmp_path: Path) -> None:
    done = run_tests()
    assert done.returncode == 1
    records = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    failing, closed, helper, missing = records
    assert failing["test"] == "test_failing"
    assert (
        failing["message"].startswith("AssertionError: assert 500 == 200")
        or "assert 500 == 200" in failing["message"]
    )
    assert (failing["answer"], failing["request"]) == ("HTTP 500 boom", "GET /products")
    assert failing["request_ids"] == ["id-of-the-request"]
    assert failing["started"] <= failing["ended"]
    assert "no answer, ConnectionRefusedError: Connection refused" in closed["message"]
    assert (missing["answer"], missing["last_answer"]) == ("", "GET /missing: HTTP 404 boom")
    assert "'text/plain' == 'application/problem+json'" in helper["message"]
    assert helper["place"].startswith("shop.py:")
    of_test, of_helper = helper["steps"]
    assert of_test == 'test_own.py:16: problem(ask("FAILING_URL"))'
    assert of_helper.startswith("shop.py:") and 'assert response.headers["Content-Type"]' in of_helper
    assert [step.partition(":")[0] for step in failing["steps"]] == ["test_own.py"]


def test_no_frame_of_a_library_is_shown(run_tests) -> None:
    output = run_tests().stdout
    assert "test_own.py" in output
    assert "site-packages" not in output


def test_many_requests_without_an_answer_in_time_end_the_run(run_tests) -> None:
    done = run_tests(f"{CONFTEST}from shop import timeouts\ntimeouts += ['GET /'] * 12\n")
    assert done.returncode == 1
    assert "12 requests had no answer in time: the other tests are left out" in done.stdout
    assert "1 failed" in done.stdout


def test_services_that_are_not_ready_end_the_run_before_its_first_test(run_tests, tmp_path: Path) -> None:
    done = run_tests(CONFTEST + "def pytest_collection_finish(): readiness.require_ready()\n")
    assert done.returncode == NOT_READY
    assert not (tmp_path / FILE).exists()
    reasons = (tmp_path / "not-ready").read_text()
    assert "backend: HTTP 500 boom; gateway: GET" in reasons
    assert reasons.endswith("no answer, ConnectionRefusedError: Connection refused")


def test_services_that_are_ready_have_no_reason_against_it() -> None:
    assert (why_not_ready("BACKEND_URL"), why_not_ready("GATEWAY_URL")) == ("", "")


def test_a_service_that_works_without_a_dependency_is_not_ready_and_says_why(
    failing_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND_URL", f"{failing_url}/degraded")
    assert why_not_ready("BACKEND_URL") == "backend: down: redis (ConnectionError: cache:6397)"


def test_a_database_that_cannot_be_given_says_why_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'error: its data is not touched.' >&2\nexit 9\n")
    python.chmod(0o755)
    monkeypatch.setenv("STACK_PYTHON", str(python))
    monkeypatch.setenv("STACK_NAME", "shop")
    databases = TestDatabases()
    for _ in range(2):
        with pytest.raises(AssertionError, match="no database for this test: error: its data is not touched"):
            databases.ask("fresh")
    databases.close()
