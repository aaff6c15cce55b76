"""TBX-Basic: what both ways have in common, and what of a concept it can say."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.knowledge.exchange.concept import (
    UNDETERMINED,
    Concept,
    Definition,
    Example,
    Source,
    Term,
)

NAMESPACE: Final = "urn:iso:std:iso:30042:ed-2"
# A note that begins so holds what TBX-Basic has no words for.
RECORD: Final = "luminous:"
STATUSES: Final = {
    "preferred": "preferredTerm-admn-sts",
    "admitted": "admittedTerm-admn-sts",
    "forbidden": "deprecatedTerm-admn-sts",
}
ABBREVIATIONS: Final = ("abbreviation", "acronym", "shortForm")
PARTS_OF_SPEECH: Final = ("noun", "verb", "adjective", "adverb")
OTHER: Final = "other"

_OUTSIDE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_WEB: Final = re.compile(r"https?://[^\s]+")
_ID: Final = "luminous-"
_ID_ESCAPED: Final = re.compile(r"[^A-Za-z0-9.-]")
_ID_ESCAPE: Final = re.compile(r"_([0-9a-f]{1,6})_")


def clean(text: str) -> str:
    """A text as a reader of XML has it: legal characters, and no layout."""
    return _SPACE.sub(" ", _OUTSIDE.sub("\ufffd", text)).strip(" ")


def xml_id(identity: str) -> str:
    """A name that XML lets be an ID, one for each text."""
    return _ID + _ID_ESCAPED.sub(lambda found: f"_{ord(found[0]):x}_", identity)


def from_xml_id(name: str) -> str:
    """The text that `xml_id` made a name of; another tool's name as it is."""
    if not name.startswith(_ID):
        return name
    identity = _ID_ESCAPE.sub(lambda found: _character(found[1]), name.removeprefix(_ID))
    return identity if identity and xml_id(identity) == name else name


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF else "_"


def language_of(tag: str) -> str:
    return tag if _LANGUAGE.fullmatch(tag) else UNDETERMINED


def is_web(url: str | None) -> bool:
    """Whether TBX-Basic takes it as the target of an external reference."""
    return url is not None and _WEB.fullmatch(url) is not None and clean(url) == url


def seen(concept: Concept, known: Container[str]) -> Concept:
    """What a reader of TBX-Basic learns of a concept; `known` are the ids that the file has."""
    terms = _by_language(_seen_terms(concept.terms))
    languages = {term.language for term in terms}
    definitions = [
        Definition(language_of(each.language), clean(each.text), clean(each.source or "") or None)
        for each in concept.definitions
    ]
    examples = [Example(language_of(each.language), clean(each.text)) for each in concept.examples]
    order = {language: place for place, language in enumerate(_languages(terms))}
    return Concept(
        id=concept.id,
        external_id=concept.id,
        subject_fields=tuple(filter(None, map(clean, concept.subject_fields))),
        definitions=_placed(definitions, languages, order),
        examples=_placed(examples, languages, order),
        notes=tuple(
            note for note in map(clean, concept.notes) if note and not note.startswith(RECORD)
        ),
        sources=tuple(_seen_sources(concept.sources)),
        terms=terms,
        relations=tuple(
            relation
            for relation in concept.relations
            if relation.kind == "related" and relation.target in known
        ),
    )


def _placed(texts: list[Any], languages: set[str], order: Mapping[str, int]) -> tuple[Any, ...]:
    """Those that have a language section to stand in, in the order of these."""
    shown = [each for each in texts if each.text and each.language in languages]
    return tuple(sorted(shown, key=lambda each: order[each.language]))


def _seen_terms(terms: Iterable[Term]) -> Iterable[Term]:
    for term in terms:
        text, part = clean(term.text), term.part_of_speech
        if not text:
            continue
        yield replace(
            term,
            language=language_of(term.language),
            text=text,
            part_of_speech=part if part is None or part in PARTS_OF_SPEECH else OTHER,
            note=clean(term.note or "") or None,
        )


def _seen_sources(sources: Iterable[Source]) -> Iterable[Source]:
    for source in sources:
        url = source.url if is_web(source.url) else None
        title = clean(source.title) or url
        if title:
            yield Source(title, url)


def _languages(terms: Iterable[Term]) -> list[str]:
    return list(dict.fromkeys(term.language for term in terms))


def _by_language(terms: Iterable[Term]) -> tuple[Term, ...]:
    known = tuple(terms)
    return tuple(
        term for language in _languages(known) for term in known if term.language == language
    )
