"""A fake of Google's generateContent."""

from typing import Any

import orjson

from tests.support.fakes.base import KEY, Action, Fake, Recorded, Said, body_of, event

USAGE = {
    "promptTokenCount": 120,
    "candidatesTokenCount": 40,
    "thoughtsTokenCount": 10,
    "totalTokenCount": 170,
    "cachedContentTokenCount": 20,
}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class FakeGemini(Fake):
    kind = "gemini"
    base_path = ""
    counts = 7

    def authorised(self, headers: Any) -> bool:
        return headers.get("x-goog-api-key") == KEY

    def streams(self, recorded: Recorded) -> bool:
        return recorded.path.endswith(":streamGenerateContent")

    def error(self, status: int, message: str, **extra: Any) -> dict[str, Any]:
        name = STATUSES.get(status, "UNKNOWN")
        return {"error": {"code": status, "message": message, "status": name, **extra}}

    def other(self, recorded: Recorded) -> Action | None:
        if not recorded.path.endswith(":batchEmbedContents"):
            return None
        vectors = [{"values": [3.0, 4.0]} for _ in recorded.body["requests"]]
        told = {"embeddings": vectors, "usageMetadata": {"promptTokenCount": 13}}
        return body_of(orjson.dumps(told))

    def in_band(self) -> bytes:
        return event(self.error(503, "Overloaded"))

    def parts(self, said: Said) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{"text": t, "thought": True} for t in said.reasoning]
        parts += [{"text": text} for text in said.text]
        for call_id, name, arguments in said.calls:
            call: dict[str, Any] = {"functionCall": {"name": name, "args": arguments}}
            if call_id:
                call["functionCall"]["id"] = call_id
            if said.signature:
                call["thoughtSignature"] = said.signature
            parts.append(call)
        return parts

    def response(
        self, said: Said, parts: list[dict[str, Any]], finish: str | None = None
    ) -> dict[str, Any]:
        """A part of an answer, with what is known by then of its usage."""
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        asked = (said.usage or USAGE)["promptTokenCount"]
        return {
            "candidates": [candidate],
            "usageMetadata": {"promptTokenCount": asked, "totalTokenCount": asked},
            "modelVersion": "gemini-fake",
            "responseId": "resp-1",
        }

    def whole(self, said: Said, body: Any) -> dict[str, Any]:
        if self.requests and self.last.path.endswith(":countTokens"):
            return {"totalTokens": self.counts}
        response = self.response(said, self.parts(said), said.finish or "STOP")
        return response | {"usageMetadata": said.usage or USAGE, **said.extra}

    def frames(self, said: Said, body: Any) -> list[bytes]:
        frames = [event(self.response(said, [part])) for part in self.parts(said)]
        last = self.response(said, [], said.finish or "STOP")
        return [*frames, event(last | {"usageMetadata": said.usage or USAGE} | said.extra)]

    def models(self) -> dict[str, Any]:
        row = {
            "name": "models/gemini-fake",
            "displayName": "Gemini Fake",
            "inputTokenLimit": 1000000,
            "outputTokenLimit": 65536,
            "supportedGenerationMethods": ["generateContent"],
        }
        embedding = row | {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}
        return {"models": [row, embedding]}
