"""Attributes of products and variants: an object of JSON that the database holds and a customer can read."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError

NOTHING = "\\u0000"
"""The one character that Postgres takes in no text, as JSON writes it."""


def clean_attributes(attributes: Any) -> dict[str, Any]:
    """Return attributes, none as an empty object. Raises: ValidationError for what is no such object."""
    if attributes is None:
        return {}
    try:
        text = json.dumps(attributes, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = NOTHING
    if not isinstance(attributes, dict) or NOTHING in text:
        raise ValidationError({"attributes": "Write an object of JSON with texts and finite numbers."})
    return attributes
