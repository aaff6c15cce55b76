"""Concepts of every legal kind, for property tests."""

import re
from uuid import UUID

from hypothesis import strategies as st

from app.knowledge.dictionary import texts
from app.knowledge.dictionary.wording import LanguageTag  # noqa: F401 - the rule that tags follow
from app.knowledge.exchange.concept import (
    STATUSES,
    Concept,
    Definition,
    Example,
    Relation,
    Source,
    Term,
)

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HARD = [
    "=1+1", "'=cmd", "''", "@x", "-1", "+49", "\uff1dA1", "a; b", ";", "[1]", "{}", "luminous:{}",
    'say "hi"', "back\\slash", "a\nb", "a \t b", "<b>&amp;</b>", "]]>", "עברית", "العربية مع نص",
    "é", "\U0001d4b3", "\u2028", "\u200f", "null", "x" * 300, "a  b", "\u00a0x", "\x7f", "@prefix",
]  # fmt: skip

characters = st.characters(exclude_categories=("Cs",)).filter(
    lambda each: not _UNWRITABLE.search(each)
)
raw = st.one_of(st.sampled_from(_HARD), st.text(characters, min_size=1, max_size=20))
lines = raw.map(texts.line).filter(bool)
blocks = raw.map(texts.block).filter(bool)
languages = st.sampled_from(
    ["en", "de", "de-AT", "he", "ar", "zh-Hant", "sr-Latn-RS", "en-x-legal"]
)
urls = st.one_of(
    st.sampled_from(
        ["https://example.com/a", "http://example.com/ü?q=1#x", "mailto:a@example.com",
         "urn:isbn:123", "https://example.com/a/../b", "skos:x", 'https://e.com/<>"{}|\\^`']
    ),
)  # fmt: skip
ids = st.uuids(version=4).map(str)
external_ids = st.one_of(st.none(), lines, urls.filter(lambda url: " " not in url))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), lines,
              st.floats(allow_nan=False, allow_infinity=False, width=32)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(lines, inner, max_size=3)
    ),
    max_leaves=5,
)  # fmt: skip


def several(strategy, most=3, **options):
    return st.lists(strategy, max_size=most, **options).map(tuple)


def terms():
    one = st.builds(
        Term,
        languages,
        lines,
        st.sampled_from(["preferred", "admitted", "forbidden", "abbreviation"]),
        st.one_of(st.none(), st.sampled_from(["noun", "verb", "proper noun"]), lines),
        st.one_of(st.none(), blocks),
    )
    return several(one, 5, unique_by=lambda term: (term.language, term.text)).map(_one_preferred)


def _one_preferred(found):
    """At most one preferred term a language, as the dictionary has it."""
    known, kept = set(), []
    for term in found:
        if term.status == "preferred" and term.language in known:
            continue
        known |= {term.language} if term.status == "preferred" else set()
        kept.append(term)
    return tuple(kept)


def relations(others):
    inner = st.builds(
        Relation, st.sampled_from(["broader", "narrower", "related", "same_as"]), others
    )
    outer = st.builds(lambda uri: Relation("same_as", uri=uri), urls)
    return several(st.one_of(inner, outer), 4, unique=True)


def concepts(identity, others):
    return st.builds(
        Concept,
        id=identity,
        external_id=external_ids,
        status=st.sampled_from(STATUSES),
        subject_fields=several(lines, unique_by=str.casefold),
        definitions=several(
            st.builds(Definition, languages, blocks, st.one_of(st.none(), lines)), unique=True
        ),
        examples=several(st.builds(Example, languages, blocks), unique=True),
        notes=several(blocks, unique=True),
        sources=several(st.builds(Source, lines, st.one_of(st.none(), urls)), unique=True),
        terms=terms(),
        relations=relations(others),
        replaced_by=st.one_of(st.none(), others),
        metadata=st.dictionaries(lines, json_values, max_size=3),
    )


@st.composite
def dictionaries(draw, most=4):
    """Some concepts that speak of each other, and of others that are not among them."""
    names = draw(st.lists(ids, min_size=1, max_size=most, unique=True))
    others = st.sampled_from([*names, str(UUID(int=7))])
    return [draw(concepts(st.just(name), others)) for name in names]
