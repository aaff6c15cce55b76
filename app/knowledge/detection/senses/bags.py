"""The words of a text that tell what it is about."""

from typing import Final

from app.knowledge.detection.matching.forms import stemmer_of, stems
from app.knowledge.detection.matching.words import words_of

_SHORTEST: Final = 4
_WORDS: Final = """
about after again also another because been before being between both could does doing done
down during each even ever every from have having here into just made make makes making many
more most much near none once only onto other over same should some someone something such
than that their them then there these they this those through under until upon used using
very were what when where which while will with within without would your
aber alle allem allen aller auch beim dass dein deine denn dies diese diesem diesen dieser
dieses doch durch eine einem einen einer eines etwas fast haben hatte ihre ihrem ihren ihrer
immer kann kein keine mehr mein meine nach nicht noch oder ohne schon sehr sein seine seinem
seinen seiner sich sind sondern soll über unter viele wenn werden wird wurde wurden zwei
"""
_EMPTY: Final = frozenset(_WORDS.split())


def bag_of(text: str, language: str) -> frozenset[str]:
    """The stems of a text's words, without those that stand in every text."""
    norms = [word.norm for word in words_of(text).apart if _tells(word.norm)]
    return frozenset(stems(stemmer_of(language), norms))


def _tells(norm: str) -> bool:
    if not norm.isascii() and len(norm) == 1:
        return norm.isalpha()  # an ideograph
    return len(norm) >= _SHORTEST and norm not in _EMPTY
