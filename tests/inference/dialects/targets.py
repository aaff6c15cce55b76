"""A candidate of each vendor, without anything behind it."""

from app.inference.integrations.directory import Endpoint, Target
from app.inference.providers.registry import KINDS, build_provider
from app.inference.providers.transport import Transport


def target_of(kind: str, settings, model: str = "model-1", base_url: str = "") -> Target:
    """A target whose address is never asked."""
    base_url = base_url or KINDS[kind].base_url or "https://example.com/v1"
    endpoint = Endpoint(
        integration_id=None,
        kind=kind,
        slug=kind,
        label=kind,
        dialect=KINDS[kind].dialect,
        base_url=base_url,
        provider=build_provider(kind, base_url, "a-key", Transport(settings), settings),
        api_key="a-key",
        allow_private=False,
        models=(),
        listed_at=None,
    )
    return Target(endpoint, model)
