"""Moderation endpoints of integrations that speak OpenAI's dialect."""

from typing import Any, Final
from uuid import UUID

import orjson

from app.inference.guardrails.compiled import CheckFailed
from app.inference.integrations.directory import Directory, Target
from app.inference.providers.registry import KINDS
from app.inference.providers.transport import Transport

MOST_BYTES: Final = 1024 * 1024


class Moderator:
    """Asks `POST …/moderations`; OpenAI's is free of charge, so that no ledger counts it."""

    def __init__(self, directory: Directory, transport: Transport) -> None:
        self._directory = directory
        self._transport = transport

    async def __call__(self, workspace_id: UUID, model: str, text: str) -> dict[str, float]:
        """Scores by category, those of all results at their highest; raises AppError."""
        target = await self._target(workspace_id, model)
        endpoint = target.endpoint
        label = KINDS[endpoint.kind].label
        exchange = await self._transport.open(
            "POST",
            endpoint.base_url.rstrip("/") + "/moderations",
            headers=KINDS[endpoint.kind].codec(endpoint.base_url).headers(endpoint.api_key),
            body=orjson.dumps({"model": target.model, "input": text}),
            provider=label,
            allow_private=endpoint.allow_private,
            max_bytes=MOST_BYTES,
        )
        try:
            if not 200 <= exchange.status < 300:
                raise CheckFailed(f"{label} answered {exchange.status} to a moderation.")
            return read_scores(await exchange.read_body())
        finally:
            exchange.close()

    async def _target(self, workspace_id: UUID, model: str) -> Target:
        """By `slug/model`, or the oldest integration of OpenAI's own dialect.

        Moderation models are not in the list of what may be chatted with.
        """
        slug, _, name = model.rpartition("/")
        for endpoint in await self._directory.endpoints(workspace_id):
            if endpoint.slug == slug if slug else endpoint.dialect == "openai_chat":
                return Target(endpoint, name)
        raise CheckFailed("The workspace has no integration with a moderation endpoint.")


def read_scores(body: bytes) -> dict[str, float]:
    """Raises CheckFailed for what is no moderation."""
    try:
        found: dict[str, float] = {}
        for result in orjson.loads(body)["results"]:
            scores: dict[str, Any] = result["category_scores"]
            for name, score in scores.items():
                found[name] = max(found.get(name, 0.0), float(score))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CheckFailed("The moderation endpoint's answer cannot be read.") from None
    return found
