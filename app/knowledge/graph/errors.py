"""What can go wrong with the graph."""

from app.core.errors import Conflict, FieldError, NotFound, Unprocessable


class EntityNotFound(NotFound):
    code = "graph_entity_not_found"
    title = "There is no such entity"


class RelationNotFound(NotFound):
    code = "graph_relation_not_found"
    title = "There is no such relation"


class MergeNotFound(NotFound):
    code = "graph_merge_not_found"
    title = "There is no such merge or split"


class SchemaNotFound(NotFound):
    code = "graph_schema_not_found"
    title = "There is no such graph schema"


class TargetNotFound(NotFound):
    """No passages that the caller may see."""

    code = "graph_target_not_found"
    title = "There is nothing to read there"


class EntityExists(Conflict):
    code = "graph_entity_exists"
    title = "There is an entity of this name"


class RelationExists(Conflict):
    code = "graph_relation_exists"
    title = "There is such a relation"


class MergeInvalid(Unprocessable):
    code = "graph_merge_invalid"
    title = "These entities cannot be merged or split like that"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail, errors=(FieldError(f"/body/{field}", self.code, detail),))


class MergeBlocked(Conflict):
    """A later merge or split stands on this one."""

    code = "graph_merge_blocked"
    title = "This cannot be undone now"


class RelationInvalid(Unprocessable):
    code = "graph_relation_invalid"
    title = "An entity is not related to itself"
