"""Ways through the graph on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Input, Number, Output, WholeNumber
from app.knowledge.graph.entities.schemas import EntityBrief, TypeName

MOST_NODES = 2_000

MinWeight = Annotated[
    WholeNumber, Field(ge=1, le=1_000_000, description="Only edges that are told of so often.")
]
Types = Annotated[
    list[TypeName], Field(max_length=50, description="Only edges of these types; all if empty.")
]


class WalkQuery(Input):
    min_weight: MinWeight = 1
    types: Types = Field(default_factory=list)


class NeighbourhoodQuery(WalkQuery):
    depth: Annotated[WholeNumber, Field(ge=1, le=3, description="How many edges away.")] = 1
    max_entities: Annotated[WholeNumber, Field(ge=1, le=500, description="Entities at most.")] = 100


class PathCreate(Input):
    """The two ends, and how far to look."""

    source_id: UUID
    target_id: UUID
    max_hops: Annotated[WholeNumber, Field(ge=1, le=6, description="Edges of a path at most.")] = 4
    limit: Annotated[WholeNumber, Field(ge=1, le=5, description="Paths at most.")] = 1
    min_weight: MinWeight = 1
    types: Types = Field(default_factory=list)

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "target_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
                    "limit": 3,
                }
            ]
        }
    )


class CommunityQuery(WalkQuery):
    max_entities: Annotated[
        WholeNumber,
        Field(ge=1, le=MOST_NODES, description="Entities at most: those told of most often."),
    ] = 500
    resolution: Annotated[
        Number, Field(ge=0.1, le=10, description="Above 1: more and smaller communities.")
    ] = 1.0


class EdgeRead(Output):
    """A relation between two of the entities that are shown."""

    id: UUID
    source_id: UUID
    target_id: UUID
    type: str
    weight: int = Field(description="How often it is told of; 1 for one made by hand alone.")


class NearRead(EntityBrief):
    """An entity and how far it is away."""

    contributions: int = Field(description="How often it is told of.")
    depth: int = Field(description="Edges from where the walk began.")


class NeighbourhoodRead(Output):
    """What is near an entity; it is the one at depth 0."""

    nodes: list[NearRead]
    edges: list[EdgeRead]
    truncated: bool = Field(description="Whether more is near than is shown.")


class PathRead(Output):
    """One way from end to end: one edge fewer than nodes."""

    nodes: list[EntityBrief]
    edges: list[EdgeRead]
    cost: float = Field(description="The sum over its edges of one divided by the weight.")


class PathResult(Output):
    """The shortest paths, the shortest first; none where there is none."""

    paths: list[PathRead]


class CommunityRead(Output):
    """Entities that hang together more than with the rest."""

    number: int = Field(description="From 0, the largest community.")
    size: int
    entities: list[EntityBrief] = Field(description="Those told of most often; at most 50.")


class CommunityResult(Output):
    """The communities of the entities that are told of most often."""

    communities: list[CommunityRead]
    modularity: float = Field(description="How well they are apart, up to 1.")
    nodes: int
    edges: int
    truncated: bool = Field(description="Whether there are more entities or edges than were read.")


class DrawnNode(EntityBrief):
    """An entity and where to draw it."""

    x: float = Field(description="From -1 to 1.")
    y: float = Field(description="From -1 to 1.")
    size: float = Field(description="From 1 to 10, by how often it is told of.")
    contributions: int
    community: int


class LayoutRead(Output):
    """A graph that is ready to be drawn; the same graph is always drawn the same."""

    nodes: list[DrawnNode]
    edges: list[EdgeRead]
    modularity: float
    truncated: bool = Field(description="Whether there are more entities or edges than are drawn.")
