"""What is asked of Qdrant about passages, in its words. Imported where it is first used."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from qdrant_client import models

from app.knowledge.vectors.index import Point, Reach

KEYWORDS: Final = ("kind", "parent_id", "subject_id", "user_id")
# A graph for each workspace, and none over all of them: no question is asked without one.
GRAPHS: Final = models.HnswConfigDiff(m=0, payload_m=16)
TENANT: Final = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
KEYWORD: Final = models.PayloadSchemaType.KEYWORD


def within(workspace_id: UUID, *conditions: models.Condition) -> models.Filter:
    """What is one workspace's, and nobody else's."""
    return models.Filter(must=[_is("workspace_id", workspace_id), *conditions])


def those(workspace_id: UUID, passage_ids: Sequence[UUID]) -> models.Filter:
    named = models.HasIdCondition(has_id=[_id(workspace_id, each) for each in passage_ids])
    return within(workspace_id, named)


def covered(reaches: Sequence[Reach]) -> models.Filter | None:
    """What one of the reaches covers; None where they cover nothing."""
    filters = [found for each in reaches if (found := _reach(each)) is not None]
    return models.Filter(should=list(filters)) if filters else None


def _reach(reach: Reach) -> models.Filter | None:
    must: list[models.Condition] = [_is("kind", reach.kind)]
    if reach.parents is not None or reach.owner is not None:
        either: list[models.Condition] = []
        if reach.parents:
            either.append(_one_of("parent_id", reach.parents))
        if reach.owner is not None:
            either.append(_is("user_id", reach.owner))
        if not either:
            return None
        must.append(models.Filter(should=either))
    if reach.subjects is not None:
        if not reach.subjects:
            return None
        must.append(_one_of("subject_id", reach.subjects))
    return models.Filter(must=must)


def struct(workspace_id: UUID, space: str, point: Point) -> models.PointStruct:
    payload: dict[str, Any] = {
        "workspace_id": str(workspace_id),
        "passage_id": str(point.id),
        "space": space,
        "kind": point.kind,
        "subject_id": str(point.subject_id),
    }
    if point.parent_id is not None:
        payload["parent_id"] = str(point.parent_id)
    if point.user_id is not None:
        payload["user_id"] = str(point.user_id)
    return models.PointStruct(
        id=_id(workspace_id, point.id), vector=list(point.vector), payload=payload
    )


def stored(record: models.Record) -> tuple[UUID, Point]:
    """A stored point with its workspace."""
    told, vector = record.payload or {}, record.vector
    if not isinstance(vector, list):
        raise TypeError("a passage has one plain vector")
    parent, user = told.get("parent_id"), told.get("user_id")
    point = Point(
        UUID(told["passage_id"]),
        [float(each) for each in vector],  # type: ignore[arg-type]  # not one of several
        told["kind"],
        UUID(told["subject_id"]),
        UUID(parent) if parent else None,
        UUID(user) if user else None,
    )
    return UUID(told["workspace_id"]), point


def _id(workspace_id: UUID, passage_id: UUID) -> str:
    """No workspace can name a point of another's, whatever ids it comes to have."""
    return str(uuid5(workspace_id, passage_id.hex))


def _is(field: str, value: UUID | str) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=str(value)))


def _one_of(field: str, values: Sequence[UUID]) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchAny(any=[str(v) for v in values]))
