"""Google's generateContent, as its clients speak it."""

from app.inference.dialects.gemini.dialect import Gemini as Gemini
