"""Where an answer comes from, in the words of a candidate."""

from typing import Any

from app.inference.providers.types import Citation, TokenLogprob

Row = dict[str, Any]


class Sources:
    """Gathers the text and the citations of an answer; Google counts in bytes of UTF-8."""

    def __init__(self) -> None:
        self._text = ""
        self._begins = 0
        self._cited = False
        self._chunks: list[Row] = []
        self._supports: list[Row] = []

    def add(self, text: str) -> None:
        # What was cited ends where words begin that have not been cited yet.
        if self._cited:
            self._begins, self._cited = len(self._text), False
        self._text += text

    def cite(self, citation: Citation) -> None:
        start, end = self._begins, len(self._text)
        if citation.unit == "answer" and citation.end is not None:
            start, end = citation.start or 0, citation.end
        else:
            self._cited = True
        segment = {
            "startIndex": len(self._text[:start].encode()),
            "endIndex": len(self._text[:end].encode()),
            "text": self._text[start:end],
        }
        indices = {"groundingChunkIndices": [self._chunk(source_row(citation))]}
        self._supports.append({"segment": segment} | indices)

    def metadata(self) -> Row:
        """What the last candidate tells of its sources; nothing without any."""
        if not self._supports:
            return {}
        told = {"groundingChunks": self._chunks, "groundingSupports": self._supports}
        return {"groundingMetadata": told}

    def _chunk(self, row: Row) -> int:
        if row not in self._chunks:
            self._chunks.append(row)
        return self._chunks.index(row)


def source_row(citation: Citation) -> Row:
    named = {"uri": citation.url, "title": citation.title}
    source = {name: value for name, value in named.items() if value is not None}
    if citation.unit == "answer" and citation.quote is None:
        return {"web": source}
    if citation.quote is not None:
        source["text"] = citation.quote
    if citation.unit == "page" and citation.start is not None:
        last = citation.start if citation.end is None else max(citation.start, citation.end - 1)
        span = {"firstPage": citation.start, "lastPage": last}
        return {"retrievedContext": source | {"ragChunk": {"pageSpan": span}}}
    return {"retrievedContext": source}


def logprobs_row(logprobs: tuple[TokenLogprob, ...]) -> Row:
    """What a candidate tells of its tokens; nothing where nobody asked."""
    if not logprobs:
        return {}
    chosen = [token_row(found.token, found.logprob) for found in logprobs]
    tops = [{"candidates": [token_row(*likely) for likely in f.likeliest]} for f in logprobs]
    told: Row = {"chosenCandidates": chosen}
    if any(found.likeliest for found in logprobs):
        told["topCandidates"] = tops
    return {"logprobsResult": told}


def token_row(token: str, logprob: float) -> Row:
    return {"token": token, "logProbability": logprob}
