"""What can be wrong with dictionaries and their entries."""

from app.core.errors import Conflict, FieldError, NotFound, PermissionDenied, Unprocessable


class DictionaryNotFound(NotFound):
    code = "dictionary_not_found"
    title = "There is no such dictionary"


class DictionarySlugTaken(Conflict):
    code = "dictionary_slug_taken"
    title = "The slug is taken"


class TooManyDictionaries(Conflict):
    code = "too_many_dictionaries"
    title = "This workspace has as many dictionaries as it may"


class EntryNotFound(NotFound):
    code = "entry_not_found"
    title = "There is no such entry"


class RevisionNotFound(NotFound):
    code = "revision_not_found"
    title = "The entry never had this version"


class TooManyEntries(Conflict):
    code = "too_many_entries"
    title = "This dictionary has as many entries as it may"


class ExternalIdTaken(Conflict):
    code = "external_id_taken"
    title = "Another entry of this dictionary has the external id"


class EntryInvalid(Unprocessable):
    """What an entry says contradicts itself, or names what is not there."""

    code = "entry_invalid"
    title = "The entry is not valid"

    def __init__(self, *errors: FieldError) -> None:
        first = errors[0]
        super().__init__(f"{first.pointer}: {first.detail}.", errors=errors)


class ApprovalNeeded(PermissionDenied):
    code = "approval_needed"
    title = "This takes the permission dictionary:approve"


class TransitionRefused(Conflict):
    code = "transition_refused"
    title = "The entry's status does not allow this"
