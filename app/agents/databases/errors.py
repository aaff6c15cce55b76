"""What can be wrong with a connected database."""

from app.core.errors import Conflict, FieldError, NotFound, Unprocessable, UpstreamFailed


class DatabaseNotFound(NotFound):
    code = "database_not_found"
    title = "There is no such database"


class DatabaseSlugTaken(Conflict):
    code = "database_slug_taken"
    title = "Another database of the workspace has this slug"


class TooManyDatabases(Conflict):
    code = "too_many_databases"
    title = "The workspace has as many databases as it may"


class DatabaseUnusable(Conflict):
    """Its address was destroyed with its deletion, or it is disabled."""

    code = "database_unusable"
    title = "The database cannot be asked as it is"


class DsnInvalid(Unprocessable):
    code = "dsn_invalid"
    title = "This is not the address of a Postgres database"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=(FieldError("/body/dsn", self.code, detail),))


class DatabaseFailed(UpstreamFailed):
    code = "database_failed"
    title = "The database does not answer as it should"


class QueryRefused(Unprocessable):
    code = "query_refused"
    title = "This is not a query that may be asked"


class QueryFailed(QueryRefused):
    """In the words of the database's own server, which may repeat what its rows say."""
