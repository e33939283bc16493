"""Secrets are masked wherever they appear; everything else stays readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import compose
from stack.display.config import describe_plan, describe_stack, stack_json
from stack.display.redaction import MASK, Redactor, redact_url, redactor_of
from stack.plan import plan
from stack.records import timeline
from stack.records.service_logs import Log
from stack.records.timeline import Timeline
from unprotected.protection import Cut, protected_by

REDACTION = "stack/display/redaction.py"

SECRETS = {
    "CANARY_PLAIN": "correct-horse-9",
    "CANARY_SIGNS": "p@ss/w:rd#1 !",
    "CANARY_QUOTES": 'say "no" \\ more',
    "CANARY_ACCENT": "Zürich-geheim",
    "CANARY_KEY": "AKIA1234567890EXAMPLE",
}
COMPOSE = """
services:
  db:
    image: postgres:15
    environment: {POSTGRES_USER: shopper, POSTGRES_PASSWORD: "${CANARY_PLAIN}"}
  web:
    image: web
    command: ["serve", "--key", "${CANARY_KEY}", "--other=${CANARY_ACCENT}"]
    environment:
      HARMLESS_NAME: "${CANARY_SIGNS}"
      DATABASE_URL: "postgres://shopper:0ther-secret@db:5432/shopper"
      NESTED: "a ${CANARY_QUOTES} b"
      SESSION_SECRET: in-the-file-itself
      MODE: production
    x-local: {command: ["serve", "--key", "${CANARY_KEY}"]}
    healthcheck: {test: ["CMD-SHELL", "check --password ${CANARY_SIGNS}"]}
x-endpoints: {URL: "http://web:80/?key=${CANARY_KEY}"}
"""


@pytest.fixture
def stack(tmp_path: Path) -> compose.Stack:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    lines = [f"{name}='{value}'" for name, value in SECRETS.items()]
    (tmp_path / ".env.local").write_text("\n".join([*lines, "PORT_OF_WEB=8001", "FLAG=true", ""]))
    return compose.load(tmp_path / "compose.yml", env_file=tmp_path / ".env.local", environment={})


def leaked_secrets(text: str) -> list[str]:
    hidden = [*SECRETS.values(), "0ther-secret", "in-the-file-itself"]
    return [value for value in hidden if value in text or value.replace('"', '\\"') in text]


@protected_by(
    "what comes from .env.local is masked by value",
    Cut(REDACTION, "_long_enough(whole | named", "_long_enough(named"),
)
@protected_by(
    "a password in an address is masked",
    Cut(
        REDACTION,
        "return redact_url(pattern.sub(MASK, text) if pattern is not None else text)",
        "return pattern.sub(MASK, text)",
    ),
    Cut(REDACTION, "whole | named | passwords", "whole | named"),
)
def test_no_secret_is_in_the_plan_or_the_merged_files(stack: compose.Stack) -> None:
    targets = {"db": {5432: 1}, "web": {80: 2}}
    planned = plan.make(stack, name="x", engine="local", services=stack.services, ports=targets, folders={})
    for text in (describe_plan(planned), describe_stack(stack), stack_json(stack)):
        assert leaked_secrets(text) == []
        assert "production" in text
        assert "shopper" in text


@protected_by(
    "what comes from .env.local is masked by value",
    Cut(REDACTION, "_long_enough(whole | named", "_long_enough(named"),
)
def test_no_secret_is_in_a_log_or_in_the_timeline(stack: compose.Stack, tmp_path: Path) -> None:
    redactor = redactor_of(stack)
    log = Log(tmp_path / "logs" / "web.log", redact=redactor.data)
    events = Timeline(tmp_path)
    events.redact = redactor.text
    for value in SECRETS.values():
        log.feed(f"login with {value} failed\n".encode())
        log.feed(value[:5].encode())
        log.feed(f"{value[5:]} came in two parts\n".encode())
        events.service("web", "exited", f"it said {value}", evidence=f"last line: {value}")
    log.close()
    events.close()
    text = (tmp_path / "logs" / "web.log").read_text()
    assert leaked_secrets(text + "\n".join(log.tail()) + (tmp_path / timeline.FILE).read_text()) == []
    assert text.count(MASK) == 2 * len(SECRETS)
    assert "came in two parts" in text


@protected_by("a secret is masked in each form", Cut(REDACTION, '(each, quote(each, safe=""), ', "(each, "))
def test_a_secret_in_a_url_is_masked_in_its_encoded_form() -> None:
    redactor = Redactor(frozenset({"p@ss/w:rd#1"}))
    assert redactor.text("https://x/?key=p%40ss%2Fw%3Ard%231&a=1") == f"https://x/?key={MASK}&a=1"


def test_numbers_switches_and_public_values_stay(stack: compose.Stack) -> None:
    text = "port 8001 is true for db and shopper in production"
    assert redactor_of(stack).text(text) == text


def test_a_password_that_is_also_a_public_word_stays_readable_in_logs(tmp_path: Path) -> None:
    """``postgres`` as user, password and service: masking it would blank every second line."""
    environment = "{POSTGRES_USER: postgres, POSTGRES_PASSWORD: postgres}"
    (tmp_path / "c.yml").write_text(f"services: {{db: {{image: 'postgres:15', environment: {environment}}}}}")
    stack = compose.load(tmp_path / "c.yml", environment={})
    assert redactor_of(stack).text("FATAL: role postgres") == "FATAL: role postgres"
    assert f"POSTGRES_PASSWORD={MASK}" in describe_stack(stack)


@protected_by(
    "what has the name of a secret is masked",
    Cut(REDACTION, "MASK if is_secret_name(name) and value else self.text(value)", "self.text(value)"),
)
@pytest.mark.parametrize(
    "name", ["POSTGRES_PASSWORD", "SECRET_KEY", "vault_token", "API_KEY", "APIKEY", "PRIVATE_PEM"]
)
def test_values_of_secret_names_are_masked(name: str) -> None:
    assert Redactor().environment({name: "s3cret"}) == {name: MASK}


def test_an_empty_secret_is_shown_as_empty() -> None:
    assert Redactor().environment({"SECRET_KEY": ""}) == {"SECRET_KEY": ""}


def test_a_password_in_an_address_is_masked_and_the_rest_stays() -> None:
    assert redact_url("postgres://shop:s3cret@db:5432/shop") == f"postgres://shop:{MASK}@db:5432/shop"
    assert redact_url("redis://:s3cret@redis:6379") == f"redis://:{MASK}@redis:6379"


def test_addresses_without_a_password_and_plain_values_stay() -> None:
    environment = {"URL": "http://a:80/b@c", "DEBUG": "1"}
    assert Redactor().environment(environment) == environment


OF_ANOTHER_PROJECT = """
services:
  frontend:
    image: "${IMAGE}"
    command: ["serve", "--domain", "${DOMAIN}", "--key", "${SECRET_KEY}"]
"""


@pytest.mark.parametrize(
    ("file", "secrets"),
    [(".env", {"changed-it"}), (".env.local", {"changed-it", "localhost"})],
)
def test_of_another_projects_env_only_what_a_secret_name_has_is_masked_and_a_services_name_never(
    tmp_path: Path, file: str, secrets: set[str]
) -> None:
    (tmp_path / "compose.yml").write_text(OF_ANOTHER_PROJECT)
    (tmp_path / file).write_text("IMAGE=frontend\nDOMAIN=localhost\nSECRET_KEY=changed-it\n")
    loaded = compose.load(tmp_path / "compose.yml", env_file=tmp_path / file, environment={})
    assert redactor_of(loaded).secrets == secrets
