"""What an agent is, as data: the document that its versions keep. Never code."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.schema import DecimalText, Input, Number, Text, WholeNumber

MOST_CHARACTERS = 100_000
AgentRef = Annotated[
    Text,
    Field(min_length=1, max_length=64, description="The slug or the id of an agent."),
]
Schema = Annotated[
    dict[str, Any],
    Field(max_length=64, description="A JSON Schema (2020-12) of at most 64 KiB."),
]


class When(Input):
    """Approval is asked for where the arguments of a call satisfy this schema."""

    when: Schema


class ToolUse(Input):
    """A tool that the agent may call."""

    tool: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=200,
            description="Its name, or `<source>:<name>`: `custom:crm-lookup`, `mcp:wiki/*`.",
        ),
    ]
    approval: Annotated[
        Literal["never", "always"] | When | None,
        Field(description="Whether a person must agree to a call; null leaves it to the tool."),
    ] = None
    config: Annotated[
        dict[str, Any], Field(max_length=32, description="Its settings, by the tool's own schema.")
    ] = Field(default_factory=dict)


class AgentParameters(Input):
    """How the model answers; what is absent is left to the provider."""

    temperature: Annotated[Number | None, Field(ge=0, le=2)] = None
    top_p: Annotated[Number | None, Field(gt=0, le=1)] = None
    max_output_tokens: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    seed: Annotated[WholeNumber | None, Field(ge=0, le=2**53)] = None
    stop: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=4),
    ] = None


class Limits(Input):
    """What ends a run, whatever its model says; the whole tree of a delegation shares them."""

    steps: Annotated[WholeNumber, Field(ge=1, le=200, description="Calls of models.")] = 20
    tool_calls: Annotated[WholeNumber, Field(ge=0, le=1000)] = 50
    tokens: Annotated[
        WholeNumber | None, Field(ge=1, le=1_000_000_000, description="Read and written.")
    ] = None
    seconds: Annotated[
        WholeNumber, Field(ge=1, le=86_400, description="Of work; waiting for people is free.")
    ] = 600
    depth: Annotated[
        WholeNumber, Field(ge=0, le=8, description="How far agents may call agents.")
    ] = 3
    budget_usd: Annotated[
        Decimal | None,
        Field(gt=0, le=1_000_000, description="Reached, the run pauses; it can be resumed."),
        DecimalText(),
    ] = None


class MemoryUse(Input):
    """What the agent remembers, and of whom."""

    scopes: Annotated[
        list[Literal["user", "agent", "workspace"]],
        Field(max_length=3, description="Whose memories are recalled; empty: none."),
    ] = Field(default_factory=list)
    extract: Annotated[
        bool, Field(description="Whether facts are drawn from its runs, after their end.")
    ] = False
    blocks: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=64)]],
        Field(max_length=16, description="Shared blocks that are always shown, by their labels."),
    ] = Field(default_factory=list)
    tokens: Annotated[WholeNumber, Field(ge=0, le=32_000, description="Of the prompt.")] = 1000


class AgentMemory(MemoryUse):
    """What an agent remembers, of whom, and from whose words."""

    extract_from: Annotated[
        Literal["user", "callers"],
        Field(
            description="Whose words they are drawn from: the user's, or also those of agents, "
            "programs and workflows that call it in the user's name (A2A, MCP). Never from mail "
            "or evaluations."
        ),
    ] = "user"


class Compaction(Input):
    """What becomes of the oldest messages where a conversation is longer than it may be."""

    kind: Annotated[
        Literal["truncate", "summary"],
        Field(description="Leave them out, or show a model's summary in their place."),
    ] = "truncate"
    history_tokens: Annotated[
        WholeNumber | None,
        Field(
            ge=500, le=10_000_000, description="How long it may be; null: by the model's window."
        ),
    ] = None
    model: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="Who sums up; null: whoever answers."),
    ] = None
    summary_tokens: Annotated[
        WholeNumber, Field(ge=100, le=8_000, description="How long a summary may be.")
    ] = 800
    seconds: Annotated[
        WholeNumber, Field(ge=1, le=120, description="After these the oldest are left out instead.")
    ] = 30


class OutputGuard(Input):
    """What becomes of links and images in what the agent says."""

    links: Annotated[
        Literal["allow", "inert"],
        Field(description="Inert ones show their address, and are not followed by a click."),
    ] = "inert"
    images: Literal["allow", "inert"] = "inert"
    domains: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=253)]],
        Field(max_length=64, description="Hosts whose links and images stay as they are."),
    ] = Field(default_factory=list)


class Chain(Input):
    """Each agent works on what the one before it gave."""

    type: Literal["chain"]
    agents: Annotated[list[AgentRef], Field(min_length=1, max_length=16)]
    cumulative: Annotated[bool, Field(description="Show each one all that was given so far.")] = (
        False
    )


class Parallel(Input):
    """All agents work on the same; what they give is joined, or summed up by this agent."""

    type: Literal["parallel"]
    agents: Annotated[list[AgentRef], Field(min_length=1, max_length=16)]
    combine: Literal["join", "model"] = "join"


class Router(Input):
    """This agent chooses who answers."""

    type: Literal["router"]
    agents: Annotated[list[AgentRef], Field(min_length=1, max_length=32)]
    fallback: AgentRef | None = None


class Orchestrator(Input):
    """This agent plans, gives the parts to workers, and sums up; again until it is done."""

    type: Literal["orchestrator"]
    agents: Annotated[list[AgentRef], Field(min_length=1, max_length=16)]
    rounds: Annotated[WholeNumber, Field(ge=1, le=20)] = 5


class EvaluatorOptimizer(Input):
    """One agent writes, another one judges; again until it is good enough."""

    type: Literal["evaluator_optimizer"]
    generator: AgentRef
    evaluator: AgentRef
    rounds: Annotated[WholeNumber, Field(ge=1, le=10)] = 3
    good_enough: Annotated[
        Number, Field(ge=0, le=1, description="The score from which on it is done.")
    ] = 0.8


class Group(Input):
    """Agents talk in one conversation; the policy says who speaks next."""

    type: Literal["group"]
    agents: Annotated[list[AgentRef], Field(min_length=2, max_length=16)]
    speaker: Annotated[
        Literal["round_robin", "model", "mention"],
        Field(description="In turn; chosen by this agent's model; whoever `@slug` names."),
    ] = "round_robin"
    turns: Annotated[WholeNumber, Field(ge=1, le=60)] = 8
    until: Annotated[
        Text | None, Field(max_length=200, description="What ends it where someone says it.")
    ] = None


class Voting(Input):
    """Agents answer apart; the answer that most of them give counts."""

    type: Literal["voting"]
    agents: Annotated[list[AgentRef], Field(min_length=1, max_length=16)]
    samples: Annotated[WholeNumber, Field(ge=1, le=9, description="How often each is asked.")] = 1
    ties: Literal["first", "model"] = "first"


class HandOff(Input):
    """Whoever speaks may hand the conversation on to another one, who then answers."""

    type: Literal["hand_off"]
    agents: Annotated[list[AgentRef], Field(min_length=1, max_length=16)]
    hand_offs: Annotated[WholeNumber, Field(ge=1, le=20)] = 5


Pattern = Annotated[
    Chain | Parallel | Router | Orchestrator | EvaluatorOptimizer | Group | Voting | HandOff,
    Field(discriminator="type"),
]


class AgentDefinition(Input):
    """All that an agent is; each version keeps one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "instructions": "You help {{ company }}'s customers. Answer in {{ locale }}.",
                    "variables": {
                        "type": "object",
                        "properties": {"company": {"type": "string", "default": "Acme"}},
                    },
                    "tools": [{"tool": "calculator"}, {"tool": "search_knowledge"}],
                    "limits": {"steps": 8, "budget_usd": "0.50"},
                }
            ]
        }
    )

    instructions: Annotated[
        Text,
        Field(
            max_length=MOST_CHARACTERS,
            description="What it is told, as a Jinja template of its `variables`; `locale`, "
            "`agent` and `today` are there too.",
        ),
    ] = ""
    variables: Annotated[
        Schema | None, Field(description="The JSON Schema of what a run may set; with defaults.")
    ] = None
    model: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=200,
            description="`<integration slug>/<model>`, or a route's name; null: the usual one.",
        ),
    ] = None
    on_mismatch: Annotated[
        Literal["refuse", "choose"],
        Field(description="Where the model lacks what this needs: a 409, or another model."),
    ] = "refuse"
    parameters: AgentParameters = AgentParameters()
    inputs: Annotated[
        list[Literal["image", "file"]],
        Field(max_length=2, description="What it is given beside text; its model must take it."),
    ] = Field(default_factory=list)
    tools: Annotated[list[ToolUse], Field(max_length=64)] = Field(default_factory=list)
    agents: Annotated[
        list[AgentRef], Field(max_length=16, description="Agents it may give work to, as tools.")
    ] = Field(default_factory=list)
    pattern: Annotated[
        Pattern | None, Field(description="How several agents work as this one.")
    ] = None
    collections: Annotated[list[UUID], Field(max_length=32)] = Field(default_factory=list)
    dictionaries: Annotated[
        list[UUID] | None, Field(max_length=32, description="Null: those of the workspace.")
    ] = None
    memory: AgentMemory = AgentMemory()
    compaction: Compaction = Compaction()
    output_schema: Annotated[
        Schema | None, Field(description="What its result must satisfy; null: text.")
    ] = None
    output: OutputGuard = OutputGuard()
    guardrails: Annotated[
        list[UUID], Field(max_length=16, description="Beside those that hold for everyone.")
    ] = Field(default_factory=list)
    limits: Limits = Limits()
    locale: Annotated[
        Text, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")
    ] = "en"

    @model_validator(mode="after")
    def _each_tool_once(self) -> "AgentDefinition":
        named = [use.tool for use in self.tools]
        if len(set(named)) != len(named):
            raise ValueError("`tools` names a tool twice")
        return self
