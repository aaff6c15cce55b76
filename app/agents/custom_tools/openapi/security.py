"""Security schemes of OpenAPI as places for a credential."""

from collections.abc import Mapping
from typing import Any

from app.agents.custom_tools.openapi.document import followed


def wanted_scheme(
    document: Mapping[str, Any], operation: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """The one scheme that opens an operation, and what cannot be done, as a sentence.

    Both are None where it is open to everyone.
    """
    security = operation.get("security", document.get("security"))
    if not isinstance(security, list) or not security:
        return None, None
    said = None
    for each in security:
        names = list(each) if isinstance(each, Mapping) else []
        if not names:
            return None, None
        if len(names) == 1 and placement(document, str(names[0])) is not None:
            return str(names[0]), None
        said = f"its security ({' and '.join(map(str, names))[:200]}) is not offered"
    return None, said


def placement(document: Mapping[str, Any], scheme: str) -> dict[str, Any] | None:
    """Where the credential of a scheme stands, as a tool's request says it; None where nowhere."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, Mapping) else None
    try:
        told = followed(document, schemes.get(scheme) if isinstance(schemes, Mapping) else None)
    except LookupError:
        return None
    kind, name = told.get("type"), told.get("name")
    if kind == "apiKey" and told.get("in") in ("header", "query") and isinstance(name, str):
        return {"in": told["in"], "field": name}
    if kind == "http" and str(told.get("scheme", "")).lower() in ("bearer", "basic"):
        return {"in": "bearer"}
    return {"in": "bearer"} if kind in ("oauth2", "openIdConnect") else None
