"""Variables that look like a setting and are none: a typo would leave the default in force."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import typer

from app.core.config import Settings, read_environment

_PREFIX = "LUMINOUS_"
_ALIKE = 0.7


def tell_misspelt() -> None:
    for sentence in _misspelt():
        typer.echo(f"luminous: {sentence}", err=True)


def _misspelt() -> Iterator[str]:
    """A sentence for each; what is like no setting is another program's."""
    known = [name.upper() for name in Settings.model_fields]
    for name in sorted(read_environment(Path(".env"))):
        given = name.removeprefix(_PREFIX)
        if given != name and given not in known:
            for meant in get_close_matches(given, known, 1, _ALIKE):
                yield f"{name} is no setting and changes nothing; did you mean {_PREFIX}{meant}?"
