"""The encoding of a text that names none: by its letters, and by its language where several fit."""

from typing import Final

from app.knowledge.parsing.language import likelihood

SAMPLE: Final = 256 * 1024
_WESTERN: Final = "af br ca da de en es eu fi fo fr ga gl is it lb nb nl nn no pt sv"
_CENTRAL: Final = "bs cs hr hu pl ro sk sl sq sr"
# Latin letters, which only the language tells apart; the commonest first.
_LATIN: Final = {
    "cp1252": _WESTERN,
    "iso8859_2": _CENTRAL,
    "cp1250": _CENTRAL,
    "cp1254": "az tr",
    "cp1257": "et lt lv",
    "cp850": _WESTERN,
}
# All that is guessed, each with the languages that are written in it.
_LANGUAGES: Final = _LATIN | {
    "cp1251": "be bg kk mk ru sr uk",
    "cp1253": "el",
    "cp1255": "he",
    "cp1256": "ar fa ur",
    "koi8_r": "ru uk",
    "cp932": "ja",
    "gb18030": "zh",
    "big5": "zh",
    "cp949": "ko",
    "euc_jp": "ja",
    "utf_16_le": "",
    "utf_16_be": "",
}
# How much messier than the best reading a Latin one may look, since short words do.
_NEAR: Final = 0.15


def guess(content: bytes) -> str:
    """The encoding that reads best."""
    from charset_normalizer import CharsetMatch, from_bytes  # noqa: PLC0415 - few files need it

    sample = _telling(content)
    matches = from_bytes(sample, cp_isolation=list(_LANGUAGES))
    if (best := matches.best()) is None:
        return "cp1252"

    def fits(match: CharsetMatch, name: str) -> bool:
        near = match.chaos <= best.chaos + _NEAR
        tied = (match.chaos, match.coherence) == (best.chaos, best.coherence)
        return name in match.could_be_from_charset and (near if name in _LATIN else tied)

    fitting = [name for name in _LANGUAGES if any(fits(match, name) for match in matches)]
    if not any(name in _LATIN for name in fitting):
        return fitting[0]
    return max(fitting, key=lambda name: _likelihood(sample, name))


def _telling(content: bytes) -> bytes:
    """The lines that are not plain ASCII: the others read alike in every encoding."""
    if b"\x00" in content[:SAMPLE]:
        return content[:SAMPLE]
    return b"\n".join(line for line in content.split(b"\n") if not line.isascii())[:SAMPLE]


def _likelihood(sample: bytes, name: str) -> float:
    # Rounded, since of readings that are as likely the commonest is meant.
    return round(likelihood(sample.decode(name, "replace"), _LANGUAGES[name].split()), 3)
