"""Where an answer comes from, and how likely its tokens were, out of a candidate."""

from collections.abc import Iterator
from typing import Any

from app.inference.providers.types import Citation, CitationDelta, TokenLogprob


def read_sources(candidate: dict[str, Any], answer: str) -> Iterator[CitationDelta]:
    """The citations of an answer; Google counts its places in bytes of UTF-8, we in characters."""
    written = answer.encode()
    metadata = candidate.get("citationMetadata") or {}
    # The REST reference says `citationSources`, and Google's own SDK `citations`.
    for row in metadata.get("citationSources") or metadata.get("citations") or ():
        start, end = span(row, written)
        yield CitationDelta(Citation("answer", start, end, None, row.get("title"), row.get("uri")))
    grounding = candidate.get("groundingMetadata") or {}
    chunks = grounding.get("groundingChunks") or []
    for support in grounding.get("groundingSupports") or ():
        start, end = span(support.get("segment") or {}, written)
        for index in support.get("groundingChunkIndices") or ():
            source = source_of(chunks, index)
            if source is not None:
                yield CitationDelta(
                    Citation(
                        "answer",
                        start,
                        end,
                        source.get("text"),
                        source.get("title"),
                        source.get("uri"),
                    )
                )


def span(row: dict[str, Any], written: bytes) -> tuple[int | None, int | None]:
    """A place in the answer; the start is left out where it is the beginning."""
    if row.get("endIndex") is None:
        return None, None
    return characters(written, row.get("startIndex") or 0), characters(written, row["endIndex"])


def characters(written: bytes, index: int) -> int:
    return len(written[: max(0, index)].decode(errors="ignore"))


def source_of(chunks: list[dict[str, Any]], index: int) -> dict[str, Any] | None:
    if not 0 <= index < len(chunks):
        return None
    kinds = ("web", "retrievedContext", "maps")
    return next((chunks[index][kind] for kind in kinds if chunks[index].get(kind)), None)


def read_logprobs(candidate: dict[str, Any]) -> tuple[TokenLogprob, ...]:
    result = candidate.get("logprobsResult") or {}
    chosen = result.get("chosenCandidates") or []
    likeliest = result.get("topCandidates") or []
    tops = [top.get("candidates") or [] for top in likeliest]
    tops += [[]] * (len(chosen) - len(tops))
    return tuple(
        TokenLogprob(
            token.get("token", ""),
            token.get("logProbability", 0.0),
            tuple((row.get("token", ""), row.get("logProbability", 0.0)) for row in top),
        )
        for token, top in zip(chosen, tops, strict=False)
    )
