"""Secrets of a stack's own, and the variables that profiles set."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stack.guardian import variables
from stack.records import generated_secrets, state
from stack.records.request import Request
from unprotected.protection import Cut, protected_by


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)


COMPOSE = """
x-profile-variables: {observability: {OTEL_EXPORTER_OTLP_ENDPOINT: "http://dashboard:4318"}}
services: {web: {image: web, environment: {TOKEN: "${STACK_SECRET_PAGE:-}", OTHER: "${STACK_SECRET_2:?}"}}}
"""


def request(tmp_path: Path, name: str = "shop", *profiles: str, text: str = COMPOSE) -> Request:
    file = tmp_path / "compose.yml"
    file.write_text(text)
    return Request(
        name=name, files=(str(file),), engine="local", work_tree=str(tmp_path), run=str(tmp_path),
        env_file=str(tmp_path / ".env.local"), profiles=profiles,
    )  # fmt: skip


@protected_by(
    "a secret is random",
    Cut("stack/records/generated_secrets.py", "secrets.token_urlsafe(24)", '"a" * 32'),
)
def test_a_stack_keeps_its_secrets_and_shares_them_with_no_other(tmp_path: Path) -> None:
    first = variables.of_stack(request(tmp_path))
    assert set(first) == {"STACK_SECRET_PAGE", "STACK_SECRET_2"}
    assert all(len(value) >= 32 for value in first.values())
    assert variables.of_stack(request(tmp_path)) == first
    other = variables.of_stack(request(tmp_path, "another"))
    assert not set(other.values()) & set(first.values())


@protected_by(
    "others cannot read what is kept",
    Cut("stack/system/files.py", "os.O_TRUNC, 0o600", "os.O_TRUNC, 0o644"),
)
def test_only_this_user_can_read_them(tmp_path: Path) -> None:
    variables.of_stack(request(tmp_path))
    assert stat.S_IMODE(generated_secrets.secrets_file("shop").stat().st_mode) == 0o600


def test_they_end_with_the_stack(tmp_path: Path) -> None:
    first = variables.of_stack(request(tmp_path))
    state.forget("shop", volumes=False)
    assert variables.of_stack(request(tmp_path)) != first


def test_a_file_that_asks_for_the_name_of_its_stack_gets_it(tmp_path: Path) -> None:
    text = 'services: {page: {image: page, environment: {NAME: "${STACK_OWN_NAME:-}"}}}'
    assert variables.of_stack(request(tmp_path, "shop-2", text=text)) == {"STACK_OWN_NAME": "shop-2"}


def test_a_file_without_secrets_leaves_no_file(tmp_path: Path) -> None:
    assert variables.of_stack(request(tmp_path, text="services: {}")) == {}
    assert not generated_secrets.secrets_file("shop").exists()


def test_a_profile_sets_its_variables_only_while_it_is_active(tmp_path: Path) -> None:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert name not in variables.of_stack(request(tmp_path))
    assert variables.of_stack(request(tmp_path, "shop", "observability"))[name] == "http://dashboard:4318"


def test_what_the_user_has_set_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:4318")
    (tmp_path / ".env.local").write_text("STACK_SECRET_PAGE=my-own-token\n")
    assert set(variables.of_stack(request(tmp_path, "shop", "observability"))) == {"STACK_SECRET_2"}
    assert os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://elsewhere:4318"
