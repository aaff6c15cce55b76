"""The node type `connector`: an operation of a connector, by their names."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import ConfigDict, Field, ValidationError

from app.automation.language.marks import URL, marked_below
from app.automation.nodes.connectors import (
    checked_rows,
    collection,
    database,
    database_write,
    files,
    http_rows,
    state,
)
from app.automation.nodes.connectors.connector import Connector, Operation
from app.automation.nodes.faults import fault_of
from app.automation.nodes.fields import JsonObject, Slug, is_template
from app.automation.nodes.node_type import Given, StepContext, StepFault, TaskNode
from app.core.auth import Access
from app.core.errors import AppError, FieldError
from app.core.schema import Input, sentence

OPERATIONS: Final[Mapping[str, tuple[type[Operation[Any]], ...]]] = {
    "database": (database.Read, database_write.Write),
    "files": (files.List, files.Read),
    "collection": (collection.Write, collection.WriteRows),
    "http_rows": (http_rows.Read,),
    "rows": (checked_rows.Check,),
    "state": (state.Get, state.Set),
}
_AT_HOME: Final = frozenset({"files", "collection", "rows", "state"})


def _with_operations(schema: dict[str, Any]) -> None:
    """Beside the form of the settings, that of each operation's options: editors go by it."""
    schema["x-operations"] = {
        f"{connector}.{each.name}": {
            "title": each.title,
            "kind": each.kind,
            "options": _inlined(each.options.model_json_schema()),
            "example": dict(each.example),
        }
        for connector, operations in OPERATIONS.items()
        for each in operations
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose definitions stand where they are referred to; none refers to itself."""
    definitions = schema.pop("$defs", {})

    def put(node: Any) -> Any:
        if isinstance(node, list):
            return [put(each) for each in node]
        if not isinstance(node, dict):
            return node
        inlined = {name: put(each) for name, each in node.items() if name != "$ref"}
        if "$ref" in node:
            inlined |= put(definitions[node["$ref"].rpartition("/")[2]])
        return inlined

    whole: dict[str, Any] = put(schema)
    return whole


class ConnectorConfig(Input):
    model_config = ConfigDict(json_schema_extra=_with_operations)

    connector: Annotated[Slug, Field(description="`database`, `files`, `collection` …")]
    operation: Slug
    options: Annotated[
        JsonObject,
        Field(
            description="What the operation wants, by its own schema.",
            json_schema_extra=marked_below(url=URL),
        ),
    ] = Field(default_factory=dict)


class ConnectorNode(TaskNode[ConnectorConfig]):
    """Sources give rows and a cursor, sinks what was written; both what was left out."""

    name = "connector"
    title = "Read or write rows"
    config = ConnectorConfig
    seconds = 120.0
    example: ClassVar[Mapping[str, Any]] = {
        "id": "orders",
        "type": "connector",
        "with": {
            "connector": "database",
            "operation": "read",
            "options": {
                "database": "shop",
                "sql": "select id, customer, total from orders",
                "cursor_column": "id",
                "cursor": "{{ inputs.cursor }}",
            },
        },
    }

    sample: ClassVar[Any] = {
        "rows": [],
        "cursor": None,
        "more": False,
        "written": 0,
        "skipped": 0,
        "documents": [],
        "rejects": [],
        "rejected": 0,
    }

    def __init__(self, connectors: Iterable[Connector]) -> None:
        self.connectors = {each.name: each for each in connectors}

    def target(self, config: ConnectorConfig) -> str | None:
        connector = self.connectors.get(config.connector)
        operation = connector.operation(config.operation) if connector else None
        return operation.target(config.options) if operation else None

    def is_at_home(self, config: ConnectorConfig) -> bool:
        return config.connector in _AT_HOME

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        named, wanted = settings.get("connector"), settings.get("operation")
        if is_template(named) or is_template(wanted):
            place = "/connector" if is_template(named) else "/operation"
            return [FieldError(place, "template_refused", "must stand in the definition itself")]
        try:
            operation = self._operation(str(named), str(wanted))
        except StepFault as fault:
            place = "/connector" if fault.code == "connector_unknown" else "/operation"
            return [FieldError(place, fault.code, fault.message)]
        options = settings.get("options", {})
        if is_template(options) and not isinstance(options, Mapping):
            said = "must be an object in the definition itself; its values may be templates"
            return [FieldError("/options", "template_refused", said)]
        found = _unfit(operation, options)
        if found:
            return found
        wrong = await operation.mistakes(access, options)
        return [FieldError(f"/options{each.pointer}", each.code, each.detail) for each in wrong]

    async def perform(self, ctx: StepContext, config: ConnectorConfig) -> Given:
        """Raises StepFault: `connector_unknown`, `operation_unknown`, `options_invalid`."""
        operation = self._operation(config.connector, config.operation)
        try:
            options = operation.options.model_validate(config.options)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = "/".join(["", *map(str, first["loc"])])
            raise StepFault("options_invalid", f"{where}: {sentence(first['msg'])}") from None
        try:
            given = await operation.perform(ctx, options)
        except AppError as error:
            raise fault_of(error) from error
        if rejected := given.get("rejected"):
            ctx.log(f"{rejected} rows were left out.")
        return Given(given)

    def _operation(self, named: str, wanted: str) -> Operation[Any]:
        connector = self.connectors.get(named)
        if connector is None:
            known = ", ".join(sorted(self.connectors))
            raise StepFault("connector_unknown", f"There is no `{named}`; there are: {known}.")
        operation = connector.operation(wanted)
        if operation is None:
            known = ", ".join(each.name for each in connector.operations)
            raise StepFault("operation_unknown", f"`{named}` has no `{wanted}`; it has: {known}.")
        return operation


def _unfit(operation: Operation[Any], options: Mapping[str, Any]) -> list[FieldError]:
    """What the operation's schema says against options, but for what is a template still."""
    try:
        operation.options.model_validate(options)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        return [
            FieldError(
                "/".join(["/options", *(str(step) for step in each["loc"])]),
                str(each["type"]).replace(".", "_"),
                sentence(each["msg"]),
            )
            for each in found
            if each["type"] == "missing" or not is_template(_value_at(options, each["loc"]))
        ]
    return []


def _value_at(value: Any, place: tuple[int | str, ...]) -> Any:
    """What stands there, or at the last step of the way that the value has."""
    for step in place:
        if isinstance(value, Mapping):
            value = value.get(step, value)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
    return value
