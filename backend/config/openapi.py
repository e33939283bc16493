"""What django-ninja does not describe by itself: errors are problem+json, some headers are required."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from config.policies import POLICIES, PREFIX, SECURITY, SECURITY_SCHEMES
from core.problems import CONTENT_TYPE

KEY_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
SIGNATURE_SCHEMA = {"type": "string", "pattern": "^t=[0-9]{1,12},v1=[0-9a-f]{64}$"}
REFUSED = {414: "URI Too Long", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}
"""Possible responses to any request: by `core.limits`, and beyond twice these limits Gunicorn's pages."""
REQUIRED = {"Idempotency-Key": KEY_SCHEMA, "X-Sandbox-Signature": SIGNATURE_SCHEMA}


class ShopAPI(NinjaAPI):
    """An API whose OpenAPI document is exact, and built once: building costs a tenth of a second."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._documents: dict[str, OpenAPISchema] = {}

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the OpenAPI document, always the same object: do not change it."""
        key = repr(options)
        if key not in self._documents:
            self._documents[key] = self._build_schema(**options)
        return self._documents[key]

    def _build_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                policy = POLICIES[method.upper(), path.removeprefix(PREFIX)]
                operation["security"] = SECURITY[policy.caller]
        for operation in _operations(document):
            _errors_as_problems(operation["responses"])
            _add_server_refusals(operation["responses"])
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in REQUIRED:
                    parameter.update(required=True, schema=REQUIRED[parameter["name"]])
        return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _errors_as_problems(responses: dict[Any, dict[str, Any]]) -> None:
    for status, response in responses.items():
        content = response.get("content", {})
        if int(status) >= 400 and "application/json" in content:
            content[CONTENT_TYPE] = content.pop("application/json")


def _add_server_refusals(responses: dict[Any, dict[str, Any]]) -> None:
    problem = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    page = {"text/html": {"schema": {"type": "string"}}}
    for status, title in REFUSED.items():
        responses[status] = {"description": title, "content": {**problem, **page}}
