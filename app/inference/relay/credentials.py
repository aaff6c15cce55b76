"""Who asks: the key of a request, in whichever header its vendor's client sends it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

from starlette.types import Scope

from app.core.errors import BadRequest, Unauthenticated

KEY_HEADERS: Final = frozenset({b"x-api-key", b"x-goog-api-key", b"api-key"})
IN_ADDRESS: Final = frozenset({"key", "api_key", "api-key", "access_token"})


def credentials(scope: Scope, headers: Mapping[bytes, bytes]) -> tuple[str, UUID | None]:
    """The credential, empty without one, and the workspace that a signed-in person chose.

    Raises Unauthenticated for a key in the address, where logs and proxies would keep it.
    """
    bearer, workspace_id = "", None
    if (said := headers.get(b"authorization")) is not None:
        kind, _, token = said.decode("latin-1").partition(" ")
        bearer = token.strip() if kind.lower() == "bearer" else ""
    if (chosen := headers.get(b"x-workspace-id")) is not None:
        workspace_id = _workspace(chosen)
    if scope["query_string"]:
        _refuse_key_in_address(scope["query_string"])
    return bearer or _key(scope), workspace_id


def _key(scope: Scope) -> str:
    key = ""
    for name, value in scope["headers"]:
        if name in KEY_HEADERS:
            key = value.decode("latin-1").strip()
    return key


def _workspace(value: bytes) -> UUID:
    try:
        return UUID(value.decode("latin-1"))
    except ValueError:
        raise BadRequest("X-Workspace-Id is not a UUID.") from None


def _refuse_key_in_address(query: bytes) -> None:
    if not IN_ADDRESS.isdisjoint(parse_qs(query.decode("latin-1"), max_num_fields=100)):
        raise Unauthenticated(
            "A key in the address is not taken, since addresses are kept in logs: send it in a "
            "header (Authorization, x-api-key or x-goog-api-key), and replace this one."
        )
