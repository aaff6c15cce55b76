"""What can go wrong with detection, and with what it suggests."""

from app.core.errors import Conflict, NotFound, Unprocessable


class TooManyTerms(Unprocessable):
    code = "too_many_terms"
    title = "These dictionaries have more terms than can be looked for at once"


class SuggestionNotFound(NotFound):
    code = "suggestion_not_found"
    title = "There is no such suggestion"


class SuggestionDecided(Conflict):
    code = "suggestion_decided"
    title = "The suggestion has been decided already"


class SuggestionStale(Conflict):
    code = "suggestion_stale"
    title = "What the suggestion is about has changed too much, or is gone"
