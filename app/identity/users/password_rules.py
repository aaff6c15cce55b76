"""Which new passwords are refused: those that are known or easily guessed (NIST SP 800-63B).

There are no rules of composition. A password is refused if it is on the list of common and
breached ones, is such a one with a few digits or signs around it, repeats or counts, or is made of
words that anyone would try on this account.
"""

import gzip
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import pairwise

from app.core.errors import FieldError, Unprocessable

PRODUCT = "luminous"
FEWEST_OWN_CHARACTERS = 6
MOST_DECORATION = 6
SHORTEST_WORD = 3

_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_WORDS = re.compile(r"[^\W_]+")


class PasswordRefused(Unprocessable):
    """A new password that others would guess; `errors` names the field."""

    code = "password_refused"
    title = "This password is too easily guessed"


@cache
def common_passwords() -> frozenset[str]:
    """The list that ships with this package, in lower case."""
    packed = files(__package__).joinpath("wordlist", "passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().strip().split("\n"))


def weakness(password: str, about: Iterable[str] = ()) -> str | None:
    """Why a password is refused, as `must not …`; None for one that is taken.

    `about` is what is known of its owner: the name, the e-mail address.
    """
    plain = unicodedata.normalize("NFKC", password).strip().casefold()
    if plain in common_passwords() or _decorated(plain):
        return "must not be a common password, or one that was in a data breach"
    if len(set(plain)) <= 3 or _counts(plain):
        return "must not be a repetition or a sequence"
    if _made_of(plain, about):
        return "must not be made of your name, your e-mail address or the name of this service"
    return None


def check_password(
    password: str, about: Iterable[str] = (), *, pointer: str = "/body/password"
) -> None:
    """Raise PasswordRefused for a weak password; `pointer` is where it stands in the request."""
    if reason := weakness(password, about):
        raise PasswordRefused(
            f"{pointer}: {reason}",
            errors=(FieldError(pointer, PasswordRefused.code, reason),),
        )


def _decorated(plain: str) -> bool:
    """`password2026!` is no better than `password`."""
    core = _EDGES.sub("", plain)
    added = len(plain) - len(core)
    return bool(core) and 0 < added <= MOST_DECORATION and core in common_passwords()


def _counts(plain: str) -> bool:
    """`abcdefghijkl`, `9876543210`: each character follows the one before it."""
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    return steps in ({1}, {-1})


def _made_of(plain: str, about: Iterable[str]) -> bool:
    rest = plain
    for word in sorted(_words([PRODUCT, *about]), key=len, reverse=True):
        rest = rest.replace(word, "")
    if rest == plain:
        return False
    return sum(character.isalnum() for character in rest) < FEWEST_OWN_CHARACTERS


def _words(texts: Iterable[str]) -> set[str]:
    """The texts and their words, down to three letters."""
    found = set[str]()
    for text in texts:
        folded = unicodedata.normalize("NFKC", text).casefold()
        found |= {folded, *_WORDS.findall(folded)}
    return {word for word in found if len(word) >= SHORTEST_WORD}
