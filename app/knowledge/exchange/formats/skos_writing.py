"""SKOS, written as Turtle and as JSON-LD, a concept at a time."""

import re
from collections.abc import Container, Sequence
from typing import Any, Final

import orjson

from app.knowledge.exchange.concept import Concept, Head
from app.knowledge.exchange.formats.skos import (
    PREFIXES,
    SCHEME,
    Statement,
    iri_of,
    statements_of,
)

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f\x7f]')


class TurtleWriter:
    def start(self, head: Head) -> bytes:
        lines = [f"@prefix {name}: <{iri}> ." for name, iri in PREFIXES.items()]
        about = [f'<{SCHEME}> a skos:ConceptScheme ;\n    dct:title "{_escaped(head.name)}"']
        if head.description:
            about.append(f'    dct:description "{_escaped(head.description)}"')
        return ("\n".join(lines) + "\n\n" + " ;\n".join(about) + " .\n").encode()

    def page(self, concepts: Sequence[Concept], _: Container[str]) -> bytes:
        return "".join(_block(concept) for concept in concepts).encode()

    def end(self) -> bytes:
        return b""


def _block(concept: Concept) -> str:
    lines = [f"    {each.predicate} {_object(each)}" for each in statements_of(concept)]
    subject = f"\n<{iri_of(concept.id)}> a skos:Concept ;\n    skos:inScheme <{SCHEME}>"
    return " ;\n".join([subject, *lines]) + " .\n"


def _object(statement: Statement) -> str:
    if statement.is_iri:
        return f"<{statement.value}>"
    tag = f"@{statement.language}" if statement.language else ""
    return f'"{_escaped(statement.value)}"{tag}'


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", text)


class JsonLdWriter:
    def start(self, head: Head) -> bytes:
        scheme = {"@id": SCHEME, "@type": "skos:ConceptScheme", "dct:title": head.name}
        if head.description:
            scheme["dct:description"] = head.description
        context = orjson.dumps({"@context": PREFIXES}).removesuffix(b"}")
        return context + b',"@graph":[\n' + orjson.dumps(scheme)

    def page(self, concepts: Sequence[Concept], _: Container[str]) -> bytes:
        return b"".join(b",\n" + orjson.dumps(_node(concept)) for concept in concepts)

    def end(self) -> bytes:
        return b"\n]}\n"


def _node(concept: Concept) -> dict[str, Any]:
    node: dict[str, Any] = {
        "@id": iri_of(concept.id),
        "@type": "skos:Concept",
        "skos:inScheme": {"@id": SCHEME},
    }
    for each in statements_of(concept):
        node.setdefault(each.predicate, []).append(_value(each))
    return node


def _value(statement: Statement) -> dict[str, str]:
    if statement.is_iri:
        return {"@id": statement.value}
    tag = {"@language": statement.language} if statement.language else {}
    return {"@value": statement.value, **tag}
