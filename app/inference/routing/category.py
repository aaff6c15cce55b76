"""Which kind of task a request is, by features of it that can be named."""

import re
from dataclasses import dataclass

# As far as a prompt is read for its category: a task is told at its beginning or its end.
READ_CHARACTERS = 400
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that speaks for a category, with its weight."""

    category: str
    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class Category:
    """The category with the greatest weight of features; `chat` where there are none."""

    name: str
    features: tuple[Feature, ...] = ()


@dataclass(frozen=True, slots=True)
class _Hint:
    """A feature of the text: one of `words` stands in it, or one of `signs` is a part of it."""

    feature: Feature
    words: frozenset[str] = frozenset()
    signs: tuple[str, ...] = ()


def _hint(category: str, said: str, weight: float, words: str, *signs: str) -> _Hint:
    return _Hint(Feature(category, said, weight), frozenset(words.split()), signs)


_HINTS = (
    _hint("code", "a fenced block of code", 3.0, "", "```"),
    _hint(
        "code", "words of a programming language", 2.0, "", "def ", "#include", "console.log",
        "println", "=> ", ");\n", "import ", "public static", "select * from", "const ",
    ),
    _hint(
        "code", "it asks about code", 2.0,
        "python javascript typescript java rust golang sql regex bash refactor debug stacktrace "
        "compile compiler algorithm git code codebase programming programm unittest docker",
        "unit test", "stack trace", "pull request", "api endpoint",
    ),
    _hint(
        "math", "it asks for a calculation or a proof", 2.0,
        "solve calculate compute prove integral derivative equation probability theorem matrix "
        "berechne gleichung beweise calcule calcula", "square root", "percent of", "percentage of",
    ),
    _hint("math", "it holds a formula", 2.0, "", "\\frac", "\\int", "$$", "x^2", "x²"),
    _hint(
        "translation", "it asks for a translation", 3.0,
        "translate translation übersetze übersetzen übersetzung traduire traduis traduce traducir",
        "into english", "into german", "into french", "into spanish", "to english", "to german",
        "to french", "to spanish", "into chinese", "into japanese", "ins deutsche",
    ),
    _hint(
        "summary", "it asks for a summary", 3.0,
        "summarise summarize summary summarising tldr zusammenfassung zusammen résume résumé "
        "resumen", "tl;dr", "key points", "in one sentence", "in a few sentences",
    ),
    _hint(
        "extraction", "it asks to extract or to classify", 3.0,
        "extract classify categorise categorize sentiment entities extrahiere",
        "as json", "as a table", "as csv", "list all names", "label each",
    ),
    _hint(
        "creative", "it asks for something invented", 2.5,
        "poem story song lyrics haiku novel fairytale screenplay slogan brainstorm imagine joke "
        "gedicht geschichte poème cuento", "role-play", "fairy tale",
    ),
)  # fmt: skip
# All words and signs at once: most texts hold none, and that is seen by one look.
_BY_WORD = {word: hint.feature for hint in _HINTS for word in hint.words}
_WORDS = frozenset(_BY_WORD)
_BY_SIGN = tuple((sign, hint.feature) for hint in _HINTS for sign in hint.signs)
# What a request carries says more than its words.
_NEEDS = (
    ("vision", "vision", "it holds an image", 10.0),
    ("audio", "audio", "it holds sound", 9.0),
    ("files", "files", "it holds a file", 4.0),
    ("tools", "tools", "it offers tools", 5.0),
    ("structured_output", "extraction", "its answer has a schema", 3.5),
)


def categorise(text: str, needs: frozenset[str]) -> Category:
    """By what the request carries and by the words of its beginning and end."""
    features = [Feature(category, said, weight) for need, category, said, weight in _NEEDS
                if need in needs]  # fmt: skip
    read = (text if len(text) <= READ_CHARACTERS else _ends(text)).lower()
    features += _features_of(read)
    if not features:
        return Category("chat")
    sums: dict[str, float] = {}
    for feature in features:
        sums[feature.category] = sums.get(feature.category, 0.0) + feature.weight
    best = max(sums, key=lambda category: sums[category])
    return Category(best, tuple(features))


def _features_of(text: str) -> list[Feature]:
    """Each feature of a text once, whatever speaks for it."""
    found = {_BY_WORD[word] for word in _WORDS.intersection(_WORD.findall(text))}
    for sign, feature in _BY_SIGN:
        if sign in text:
            found.add(feature)
    return [hint.feature for hint in _HINTS if hint.feature in found] if found else []


def _ends(text: str) -> str:
    half = READ_CHARACTERS // 2
    return f"{text[:half]}\n{text[-half:]}"
