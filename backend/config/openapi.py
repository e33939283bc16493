"""What django-ninja cannot say of the API by itself: errors are problem+json, and the key is demanded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from core.problems import CONTENT_TYPE

KEY_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
SIGNATURE_SCHEMA = {"type": "string", "pattern": "^t=[0-9]{1,12},v1=[0-9a-f]{64}$"}
REFUSED = {414: "URI Too Long", 431: "Request Header Fields Too Large"}
"""What Gunicorn answers to any request that is too long, see `config.refusals`."""
DEMANDED = {"Idempotency-Key": KEY_SCHEMA, "X-Sandbox-Signature": SIGNATURE_SCHEMA}


class ShopAPI(NinjaAPI):
    """An API whose description is exact, and made once: it costs a tenth of a second, and anybody may ask."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._documents: dict[str, OpenAPISchema] = {}

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Answers the OpenAPI document, always the same one: it is not to be changed."""
        asked = repr(options)
        if asked not in self._documents:
            self._documents[asked] = self._described(**options)
        return self._documents[asked]

    def _described(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        for operation in _operations(document):
            _errors_as_problems(operation["responses"])
            _refusals_added(operation["responses"])
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in DEMANDED:
                    parameter.update(required=True, schema=DEMANDED[parameter["name"]])
        return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _errors_as_problems(responses: dict[Any, dict[str, Any]]) -> None:
    for status, response in responses.items():
        content = response.get("content", {})
        if int(status) >= 400 and "application/json" in content:
            content[CONTENT_TYPE] = content.pop("application/json")


def _refusals_added(responses: dict[Any, dict[str, Any]]) -> None:
    problem = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    for status, title in REFUSED.items():
        responses[status] = {"description": title, "content": problem}
