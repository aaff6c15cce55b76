"""SKOS, read with rdflib, which holds a file whole: it runs where memory and time are bounded."""

import warnings
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Final

import orjson

from app.knowledge.exchange.concept import Concept, Misshapen, Relation
from app.knowledge.exchange.formats.encodings import as_utf8
from app.knowledge.exchange.formats.row import Malformed, Row
from app.knowledge.exchange.formats.skos import PREFIXES, Statement, concept_of

_SKOS: Final = PREFIXES["skos"]
_XL: Final = "http://www.w3.org/2008/05/skos-xl#"
_INVERSE: Final = {"narrower": "broader", "related": "related"}
_DEPTH: Final = 64


def read_turtle(file: BinaryIO) -> Iterator[Row]:
    """Every concept; raises Malformed."""
    yield from _rows(_text(file), "turtle")


def read_json_ld(file: BinaryIO) -> Iterator[Row]:
    """Every concept; raises Malformed, also where a context would have to be fetched."""
    text = _text(file)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"line {error.lineno}: no well-formed JSON ({error.msg})") from None
    _expect_inline(document)
    yield from _rows(text, "json-ld")


def _text(file: BinaryIO) -> bytes:
    content = b""
    try:
        content = bytes(as_utf8(file).read())
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Malformed(f"line {line}: is not UTF-8; save it as UTF-8") from None
    return content


def _expect_inline(document: Any) -> None:
    """Refuse a context by address: nothing is ever fetched. Raises Malformed."""
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > _DEPTH:
            raise Malformed(f"nested deeper than {_DEPTH} levels")
        for node in level:
            if isinstance(node, dict) and _is_remote(node):
                raise Malformed("a @context stands elsewhere; it is not fetched: write it inline")
        level = [child for node in level for child in _children(node)]


def _is_remote(node: dict[str, Any]) -> bool:
    context = node.get("@context")
    among = context if isinstance(context, list) else [context]
    return "@import" in node or any(isinstance(each, str) for each in among)


def _children(node: Any) -> Collection[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _rows(content: bytes, form: str) -> Iterator[Row]:
    import rdflib  # noqa: PLC0415 - only the child that reads files needs it

    graph = rdflib.Graph(bind_namespaces="none")
    try:
        with warnings.catch_warnings():
            # Its reader of JSON-LD uses what rdflib itself calls out of date.
            warnings.simplefilter("ignore", DeprecationWarning)
            graph.parse(data=content, format=form, publicID="urn:luminous:file:")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - its parsers raise whatever they stumble over
        raise Malformed(f"no well-formed {form}: {_said(error)}") from None
    kind = rdflib.RDF.type
    concepts = sorted(
        {
            str(subject)
            for subject in graph.subjects(kind, rdflib.URIRef(_SKOS + "Concept"))
            if isinstance(subject, rdflib.URIRef)
        }
        | {
            str(subject)
            for subject in graph.subjects(rdflib.URIRef(_SKOS + "prefLabel"))
            if isinstance(subject, rdflib.URIRef)
        }
    )
    known = frozenset(concepts)
    for iri in concepts:
        said = frozenset(_statements(graph, rdflib.URIRef(iri)))
        try:
            yield Row(None, _once(concept_of(iri, said, known), said, graph, iri))
        except Misshapen as error:
            yield Row(None, None, f"{iri[:200]}: {error}")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _statements(graph: Any, subject: Any) -> Iterator[Statement]:
    import rdflib  # noqa: PLC0415 - only the child that reads files needs it

    for predicate, value in graph.predicate_objects(subject):
        name = _short(str(predicate))
        if name is None:
            continue
        if isinstance(value, rdflib.Literal):
            yield Statement(name, str(value), (value.language or "").lower())
            continue
        # A label or a note may be a thing of its own, with its text in it.
        inner = _inner(graph, value)
        if inner is not None:
            yield Statement(name, str(inner), (inner.language or "").lower())
        elif isinstance(value, rdflib.URIRef):
            yield Statement(name, str(value), is_iri=True)


def _inner(graph: Any, value: Any) -> Any | None:
    import rdflib  # noqa: PLC0415 - only the child that reads files needs it

    for name in (_XL + "literalForm", PREFIXES["rdf"] + "value"):
        found = graph.value(value, rdflib.URIRef(name))
        if isinstance(found, rdflib.Literal):
            return found
    return None


def _short(iri: str) -> str | None:
    if iri.startswith(_XL):
        return "skos:" + iri.removeprefix(_XL)
    for prefix, base in PREFIXES.items():
        if iri.startswith(base):
            return f"{prefix}:{iri.removeprefix(base)}"
    return None


def _once(concept: Concept, said: Collection[Statement], graph: Any, iri: str) -> Concept:
    """Without what the other end of a relation says too, in a file that is none of ours."""
    import rdflib  # noqa: PLC0415 - only the child that reads files needs it

    if any(each.predicate == "lum:status" for each in said):
        return concept

    def is_said_there(relation: Relation) -> bool:
        inverse = _INVERSE.get(relation.kind)
        if inverse is None or relation.target is None:
            return False
        if inverse == relation.kind and iri < relation.target:
            return False
        there = rdflib.URIRef(relation.target), rdflib.URIRef(_SKOS + inverse)
        return (*there, rdflib.URIRef(iri)) in graph

    kept = tuple(each for each in concept.relations if not is_said_there(each))
    return replace(concept, relations=kept)
