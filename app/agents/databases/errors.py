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


class DatabaseReadOnly(Conflict):
    """Nobody has said that it may be written to."""

    code = "database_read_only"
    title = "The database is connected for reading alone"


class DatabaseBusy(DatabaseFailed):
    """Somebody else holds what is to be written; it may be free later."""

    code = "database_busy"
    title = "The database's rows are held by others"


class TargetUnfit(Unprocessable):
    """What is to be written has no place there; the pointer leads to what is missing."""

    code = "target_unfit"
    title = "The rows do not fit the table"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail, errors=(FieldError(pointer, self.code, detail),))


class TableNotFound(TargetUnfit):
    code = "table_not_found"
    title = "There is no such table, or it is not among those that are connected"


class TableNotWritable(TargetUnfit):
    code = "table_not_writable"
    title = "The table cannot be written to"


class ColumnNotFound(TargetUnfit):
    code = "column_not_found"
    title = "The table has no such column"


class KeyUnfit(TargetUnfit):
    code = "key_unfit"
    title = "The table does not tell rows apart by this key"


class WriteFailed(Unprocessable):
    """In the words of the database's own server."""

    code = "write_failed"
    title = "The database's server refuses what is to be written"
