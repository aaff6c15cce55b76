"""The node types that decide and compute: `condition`, `switch` and `transform`'s `value`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, field_validator

from app.automation.language.expressions import truth
from app.automation.language.flow import ERROR, TIMEOUT, Expression, Port, Template
from app.automation.language.marks import CEL, marked
from app.automation.nodes.node_type import Given, PureNode
from app.core.schema import Input

TRUE: Final = "true"
FALSE: Final = "false"
DEFAULT: Final = "default"


class ConditionConfig(Input):
    if_: Annotated[
        Expression,
        Field(
            alias="if",
            description="CEL that gives true or false.",
            json_schema_extra=marked(CEL),
        ),
    ]


class Condition(PureNode[ConditionConfig]):
    """Leaves by `true` or by `false`; its output is which of them."""

    name = "condition"
    title = "Condition"
    config = ConditionConfig
    ports = frozenset({TRUE, FALSE})
    example: ClassVar[Mapping[str, Any]] = {
        "id": "large",
        "type": "condition",
        "with": {"if": "double(inputs.amount) > 1000.0"},
    }

    def compute(self, config: ConditionConfig, evaluate: Callable[[str], Any]) -> Given:
        holds = truth(evaluate(config.if_), "if")
        return Given(holds, TRUE if holds else FALSE)


class Case(Input):
    port: Annotated[Port, Field(description="By which the node leaves.")]
    when: Annotated[
        Expression,
        Field(description="CEL that gives true or false.", json_schema_extra=marked(CEL)),
    ]


class SwitchConfig(Input):
    cases: Annotated[
        list[Case], Field(min_length=1, max_length=50, description="The first that holds counts.")
    ]
    default: Annotated[Port, Field(description="The port where none holds.")] = DEFAULT

    @field_validator("cases")
    @classmethod
    def _free(cls, cases: list[Case]) -> list[Case]:
        for case in cases:
            if case.port in (ERROR, TIMEOUT):
                raise ValueError(f"`{case.port}` is a port of every node already")
        return cases


class Switch(PureNode[SwitchConfig]):
    """Leaves by the port of the first case that holds; its output is that port's name."""

    name = "switch"
    title = "Switch"
    config = SwitchConfig
    example: ClassVar[Mapping[str, Any]] = {
        "id": "by_topic",
        "type": "switch",
        "with": {
            "cases": [
                {"port": "billing", "when": 'inputs.topic == "invoice"'},
                {"port": "technical", "when": 'inputs.topic in ["bug", "outage"]'},
            ],
            "default": "other",
        },
    }

    def ports_of(self, settings: Mapping[str, Any]) -> frozenset[str]:
        cases = settings.get("cases")
        named = [case.get("port") for case in cases if isinstance(case, Mapping)] if cases else []
        ports = {port for port in named if isinstance(port, str)}
        return frozenset(ports | {str(settings.get("default", DEFAULT))})

    def compute(self, config: SwitchConfig, evaluate: Callable[[str], Any]) -> Given:
        for case in config.cases:
            if truth(evaluate(case.when), case.port):
                return Given(case.port, case.port)
        return Given(config.default, config.default)


class TransformConfig(Input):
    value: Template


class Transform(PureNode[TransformConfig]):
    """Gives its value, with what the templates in it stand for."""

    name = "transform"
    title = "Transform"
    config = TransformConfig
    example: ClassVar[Mapping[str, Any]] = {
        "id": "order",
        "type": "transform",
        "with": {
            "value": {
                "customer": "{{ inputs.customer.name }}",
                "items": "{{ inputs.items.filter(i, i.quantity > 0).map(i, i.sku) }}",
                "title": "Order {{ inputs.number }}",
            }
        },
    }

    def compute(self, config: TransformConfig, evaluate: Callable[[str], Any]) -> Given:
        del evaluate
        return Given(config.value)
