"""Tools that a workspace makes itself: HTTP calls with a JSON Schema, and those out of OpenAPI."""
