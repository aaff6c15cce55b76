import orjson
from luminous_acme import KIND

from app.inference.providers.contract import KEY, Asked, HttpUpstream, ProviderContract, Said

WHY = {"stop": "done", "length": "cut_short"}


class FakeAcme(HttpUpstream):
    """Acme on a socket of this machine: what it is told to say, in Acme's words."""

    base_path = "/v1"

    def authorised(self, asked: Asked) -> bool:
        return asked.headers.get("x-acme-key") == KEY

    def streams(self, asked: Asked) -> bool:
        return asked.document["live"]

    def whole(self, said: Said, asked: Asked) -> bytes:
        return orjson.dumps(self.ending(said) | {"said": "".join(said.text)})

    def frames(self, said: Said, asked: Asked) -> list[bytes]:
        pieces = [{"said": piece} for piece in said.text]
        documents = [*pieces, self.ending(said)]
        return [b"data: " + orjson.dumps(document) + b"\n\n" for document in documents]

    def refusal(self, status: int, message: str) -> bytes:
        return orjson.dumps({"error": {"message": message}})

    def error_frame(self, message: str) -> bytes:
        return b"data: " + self.refusal(500, message) + b"\n\n"

    def page(self, names: list[str], following: str | None) -> bytes:
        return orjson.dumps({"brains": names})

    def ending(self, said: Said) -> dict:
        usage = {"read": said.usage.input_tokens, "wrote": said.usage.output_tokens}
        return {"id": "talk-1", "brain": "model-a", "why": WHY[said.finish], **usage}


class TestAcme(ProviderContract):
    kind = KIND
    upstream = FakeAcme
    lacks = frozenset({"tools", "parallel_tools", "structured_output", "reasoning", "paging"})
