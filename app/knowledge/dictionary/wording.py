"""Texts on the wire: normalised as they come in, each with its bound."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from app.knowledge.dictionary import texts


def _each(change: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: change(value) if isinstance(value, str) else value)


Line = Annotated[str, _each(texts.line), Field(min_length=1)]
Block = Annotated[str, _each(texts.block), Field(min_length=1)]
LanguageTag = Annotated[
    str,
    AfterValidator(texts.language_tag),
    Field(
        min_length=2,
        max_length=texts.LONGEST_TAG,
        description="A BCP 47 tag, given back in its canonical case: `en`, `de-AT`, `zh-Hant`.",
    ),
]
