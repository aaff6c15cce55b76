"""Images, documents and sources."""

from base64 import b64encode

from tests.conformance.case import TEXT, Answer, Case, Json, Within, everywhere

BYTES = b64encode(b"the bytes of a file").decode()
PICTURE = "https://example.com/picture.png"
PAPER = "https://example.com/paper.pdf"
PNG = f"data:image/png;base64,{BYTES}"
PDF = f"data:application/pdf;base64,{BYTES}"
SOURCE = "https://example.com/goethe"


def user(*content: Json) -> list[Json]:
    return [{"role": "user", "content": list(content)}]


def googles(*parts: Json) -> Json:
    return {"contents": [{"role": "user", "parts": list(parts)}]}


def anthropics(kind: str, source: Json) -> Json:
    return {"messages": user({"type": kind, "source": source})}


def base64_of(media_type: str) -> Json:
    return {"type": "base64", "media_type": media_type, "data": BYTES}


CITED = Answer(
    patch={
        "chat": {
            "choices.0.message.annotations": [
                {
                    "type": "url_citation",
                    "url_citation": {
                        "start_index": 0, "end_index": 5, "url": SOURCE, "title": "Goethe",
                    },
                }
            ]
        },
        "responses": {
            "output.0.content.0.annotations": [
                {
                    "type": "url_citation",
                    "start_index": 0, "end_index": 5, "url": SOURCE, "title": "Goethe",
                }
            ]
        },
        "anthropic": {
            "content.0.citations": [
                {
                    "type": "web_search_result_location",
                    "url": SOURCE,
                    "title": "Goethe",
                    "cited_text": "Hello",
                    "encrypted_index": "c2ln",
                }
            ]
        },
        "gemini": {
            "candidates.0.groundingMetadata": {
                "groundingChunks": [{"web": {"uri": SOURCE, "title": "Goethe"}}],
                "groundingSupports": [
                    {
                        "segment": {"startIndex": 0, "endIndex": 5, "text": "Hello"},
                        "groundingChunkIndices": [0],
                    }
                ],
            }
        },
    }
)  # fmt: skip
STREAMED = Answer(
    streamed={
        "responses": {
            -1: {
                f"response.{path}": annotations
                for path, annotations in CITED.patch["responses"].items()
            }
        },
        "gemini": {-1: CITED.patch["gemini"]},
    },
    added={
        "chat": (
            4,
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1760000000,
                "model": "gpt-fake",
                "choices": [
                    {
                        "index": 0,
                        "delta": {
                            "annotations": CITED.patch["chat"]["choices.0.message.annotations"]
                        },
                        "logprobs": None,
                        "finish_reason": None,
                    }
                ],
            },
        ),
        "anthropic": (
            5,
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {
                    "type": "citations_delta",
                    "citation": CITED.patch["anthropic"]["content.0.citations"][0],
                },
            },
        ),
    },
)
QUOTED = Answer(
    patch={
        "anthropic": {
            "content.0.citations": [
                {
                    "type": "char_location",
                    "cited_text": "the bytes",
                    "document_index": 0,
                    "document_title": "Paper",
                    "start_char_index": 0,
                    "end_char_index": 9,
                    "file_id": None,
                }
            ]
        }
    }
)


def everywhere_within(text: str) -> dict[str, Json]:
    return {
        "chat": {"messages": Within(text)},
        "responses": {"input": Within(text)},
        "anthropic": {"messages": Within(text)},
        "gemini": {"contents": Within(text)},
    }


MEDIA = (
    Case(
        "image",
        "Image by its bytes",
        {
            "chat": {"messages": user({"type": "image_url", "image_url": {"url": PNG}})},
            "responses": {
                "input": user({"type": "input_image", "image_url": PNG, "detail": "auto"})
            },
            "messages": anthropics("image", base64_of("image/png")),
            "gemini": googles({"inlineData": {"mimeType": "image/png", "data": BYTES}}),
        },
        {"text": TEXT},
        sent=everywhere_within(BYTES),
    ),
    Case(
        "image-url",
        "Image by its address",
        {
            "chat": {"messages": user({"type": "image_url", "image_url": {"url": PICTURE}})},
            "responses": {
                "input": user({"type": "input_image", "image_url": PICTURE, "detail": "auto"})
            },
            "messages": anthropics("image", {"type": "url", "url": PICTURE}),
            "gemini": googles({"fileData": {"mimeType": "image/png", "fileUri": PICTURE}}),
        },
        {"text": TEXT},
        sent=everywhere_within(PICTURE),
    ),
    Case(
        "file",
        "PDF by its bytes",
        {
            "chat": {
                "messages": user(
                    {
                        "type": "file",
                        "file": {"filename": "paper.pdf", "file_data": PDF},
                    }
                )
            },
            "responses": {
                "input": user({"type": "input_file", "filename": "paper.pdf", "file_data": PDF})
            },
            "messages": anthropics("document", base64_of("application/pdf")),
            "gemini": googles({"inlineData": {"mimeType": "application/pdf", "data": BYTES}}),
        },
        {"text": TEXT},
        sent=everywhere_within(BYTES),
    ),
    Case(
        "file-url",
        "PDF by its address",
        {
            "responses": {"input": user({"type": "input_file", "file_url": PAPER})},
            "messages": anthropics("document", {"type": "url", "url": PAPER}),
            "gemini": googles({"fileData": {"mimeType": "application/pdf", "fileUri": PAPER}}),
        },
        {"text": TEXT},
        sent=everywhere_within(PAPER),
    ),
    Case(
        "citations",
        "Sources that the upstream cites",
        everywhere(),
        {"text": TEXT, "citations": [SOURCE]},
        says=CITED,
    ),
    Case(
        "stream-citations",
        "Sources that the upstream cites in a stream",
        everywhere(),
        {"text": TEXT, "citations": [SOURCE]},
        operation="stream",
        says=STREAMED,
    ),
    Case(
        "document-citations",
        "Citations asked for out of a document",
        {
            "messages": {
                "messages": user(
                    {
                        "type": "document",
                        "source": {"type": "text", "media_type": "text/plain", "data": "the bytes"},
                        "title": "Paper",
                        "citations": {"enabled": True},
                    }
                )
            }
        },
        {"text": TEXT, "citations": ["the bytes"]},
        says=QUOTED,
    ),
)
