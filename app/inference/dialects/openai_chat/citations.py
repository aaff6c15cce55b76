"""Citations as OpenAI's annotations, and back.

Of the web they are `url_citation`. Those out of a document of the request are `file_citation`, with
the document's index and the quotation beside OpenAI's own fields.
"""

from typing import Any, Literal

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.providers.types import Citation

UNITS: tuple[Literal["character", "page", "block"], ...] = ("character", "page", "block")
Span = tuple[int, int]


def annotation_of(citation: Citation, cited: Span) -> dict[str, Any]:
    """The annotation, flat; `cited` is where the text that it belongs to stands in the answer."""
    start, end = cited
    if citation.unit == "answer":
        start = start if citation.start is None else citation.start
        end = end if citation.end is None else citation.end
    if citation.url is not None:
        return {
            "type": "url_citation",
            "url": citation.url,
            "title": citation.title or "",
            "start_index": start,
            "end_index": end,
        }
    return {
        "type": "file_citation",
        "file_id": f"document_{citation.document or 0}",
        "filename": citation.title or "",
        "index": end,
        "unit": citation.unit,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
    }


def nested(annotation: dict[str, Any]) -> dict[str, Any]:
    """The same as Chat Completions has it: everything under its type's name."""
    kind = annotation["type"]
    return {"type": kind, kind: {key: annotation[key] for key in annotation if key != "type"}}


def citations_of(annotations: Any, at: str) -> tuple[Citation, ...]:
    """The citations of an answer that is given back, in either form."""
    if annotations is None:
        return ()
    if not isinstance(annotations, list):
        raise wrong_type(at, "an array of objects")
    return tuple(citation_of(each, f"{at}[{n}]") for n, each in enumerate(annotations))


def citation_of(annotation: Any, at: str) -> Citation:
    kind = annotation.get("type") if isinstance(annotation, dict) else None
    said = annotation.get(kind, annotation) if isinstance(kind, str) else None
    if isinstance(said, dict) and kind == "url_citation" and isinstance(said.get("url"), str):
        return of_the_web(said["url"], said)
    if isinstance(said, dict) and kind == "file_citation":
        return of_a_document(said)
    raise UnsupportedParameter(at)


def of_the_web(url: str, said: dict[str, Any]) -> Citation:
    start, end = whole(said.get("start_index")), whole(said.get("end_index"))
    return Citation("answer", start=start, end=end, title=words(said.get("title")), url=url)


def of_a_document(said: dict[str, Any]) -> Citation:
    title, unit = words(said.get("filename")), said.get("unit")
    for known in UNITS:
        if unit == known:
            _, _, document = str(said.get("file_id")).rpartition("_")
            return Citation(
                known,
                start=whole(said.get("start")),
                end=whole(said.get("end")),
                quote=words(said.get("quote")),
                title=title,
                document=int(document) if document.isdecimal() else None,
            )
    index = whole(said.get("index"))
    return Citation("answer", start=index, end=index, title=title)


def whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def words(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
