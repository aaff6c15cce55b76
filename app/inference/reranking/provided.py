"""The rerank endpoint that Cohere, Voyage, Jina and servers like theirs have, in one wording."""

from collections.abc import Sequence
from typing import Final

import orjson

from app.core.errors import UpstreamFailed
from app.inference.integrations.directory import Target
from app.inference.providers.opening import expect_success
from app.inference.providers.registry import KINDS
from app.inference.providers.transport import Transport
from app.inference.providers.types import Usage

# Beside the base URL; all others have it right there.
PATHS: Final = {"cohere": "/v2/rerank"}


class RerankingGarbled(UpstreamFailed):
    code = "reranking_garbled"
    title = "The reranker's answer cannot be read"


async def ask_for_ranking(
    transport: Transport, target: Target, question: str, texts: Sequence[str]
) -> tuple[list[float], Usage]:
    """A score for each text; raises the ProviderError of a call that fails, RerankingGarbled."""
    endpoint = target.endpoint
    label = KINDS[endpoint.kind].label
    exchange = await transport.open(
        "POST",
        endpoint.base_url.rstrip("/") + PATHS.get(endpoint.kind, "/rerank"),
        headers=KINDS[endpoint.kind].codec(endpoint.base_url).headers(endpoint.api_key),
        body=orjson.dumps({"model": target.model, "query": question, "documents": list(texts)}),
        provider=label,
        allow_private=endpoint.allow_private,
    )
    try:
        await expect_success(exchange, label, endpoint.api_key)
        return read_scores(await exchange.read_body(), len(texts))
    finally:
        exchange.close()


def read_scores(body: bytes, count: int) -> tuple[list[float], Usage]:
    """Scores in the order of the texts: `results` (Cohere, Jina) or `data` (Voyage)."""
    try:
        document = orjson.loads(body)
        rows = document["results"] if "results" in document else document["data"]
        by_index = {int(row["index"]): float(row["relevance_score"]) for row in rows}
        scores = [by_index[index] for index in range(count)]
        used = int((document.get("usage") or {}).get("total_tokens", 0))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RerankingGarbled from None
    return scores, Usage(input_tokens=used)
