"""What an author may set for tools of the web, as pieces of JSON Schema."""

from typing import Any, Final

from app.agents.credentials.hosts import PATTERN

DOMAINS: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 64,
    "items": {"type": "string", "minLength": 1, "maxLength": 260, "pattern": PATTERN},
    "description": "The hosts it may call (`example.com`, `*.example.com`); default: all public "
    "ones.",
}
CREDENTIAL: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "description": "The name of a credential of the workspace; it is sent to its own hosts only.",
}
URL: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 500,
    "pattern": "^https?://[^\\s?#@]+$",
    "description": "A base URL, without a query.",
}
