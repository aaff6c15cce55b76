"""What a candidate's provider has words for, asked before anything is sent to it."""

from collections.abc import Mapping
from functools import lru_cache

from app.inference.dialects.ask import read_customer
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.integrations.directory import Target
from app.inference.providers.codec import unsaid
from app.inference.providers.registry import KINDS
from app.inference.providers.types import ChatRequest


def expect_taken(request: ChatRequest, target: Target, names: Mapping[str, str]) -> None:
    """Refuse a field that is set and that the provider has no words for.

    An end user whom the provider cannot be told of must be one that the gateway can go by.
    `names` are the client's own names of our fields where they differ. Raises UnsupportedParameter.
    """
    known = takes(target.endpoint.kind, target.endpoint.base_url)
    for field in unsaid(request, known):
        raise UnsupportedParameter(names.get(field, field))
    if request.user and "user" not in known and read_customer(request.user) is None:
        raise UnsupportedParameter(names.get("user", "user"), "is too long for an end user's id.")


@lru_cache(maxsize=1024)
def takes(kind: str, base_url: str) -> frozenset[str]:
    return KINDS[kind].takes(base_url)
