"""What a Qdrant server is asked in the words of its REST interface, asked of the engine here.

As much of it as we use; anything else is refused rather than half done.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import qdrant_edge as edge

from app.core.qdrant_engine.collections import Engine, Refused

Body = Mapping[str, Any]


def answer(engine: Engine, method: str, path: str, body: Body) -> Any:
    """The result of a request; raises Refused."""
    _, name, what = f"{path.strip('/')}//".split("/", 2)
    asked = _ANSWERS.get((method, bool(name), what.strip("/")))
    if asked is None:
        raise Refused(404, "Only a Qdrant server does that.")
    return asked(engine, name, body)


def _collections(engine: Engine, _name: str, _body: Body) -> dict[str, Any]:
    return {"collections": [{"name": name} for name in engine.names()]}


def _exists(engine: Engine, name: str, _body: Body) -> dict[str, Any]:
    return {"exists": name in engine.names()}


def _make(engine: Engine, name: str, body: Body) -> bool:
    vectors = body["vectors"]
    engine.make(name, vectors["size"], vectors["distance"])
    return True


def _drop(engine: Engine, name: str, _body: Body) -> bool:
    return engine.drop(name)


def _add_index(engine: Engine, name: str, body: Body) -> dict[str, Any]:
    schema = _schema(body["field_schema"])
    index = edge.UpdateOperation.create_field_index(body["field_name"], schema)
    return _changed(engine, name, index)


def _upsert(engine: Engine, name: str, body: Body) -> dict[str, Any]:
    points = [
        edge.Point(each["id"], each["vector"], each.get("payload")) for each in body["points"]
    ]
    return _changed(engine, name, edge.UpdateOperation.upsert_points(points))


def _delete(engine: Engine, name: str, body: Body) -> dict[str, Any]:
    if "points" in body:
        deletion = edge.UpdateOperation.delete_points(body["points"])
    else:
        deletion = edge.UpdateOperation.delete_points_by_filter(_only(body["filter"]))
    engine.deleted_from(name)
    return _changed(engine, name, deletion)


def _count(engine: Engine, name: str, body: Body) -> dict[str, Any]:
    request = edge.CountRequest(filter=_filter(body.get("filter")))
    return {"count": engine.collection(name).shard.count(request)}


def _describe(engine: Engine, name: str, _body: Body) -> dict[str, Any]:
    collection = engine.collection(name)
    info = collection.shard.info()
    indexes = {
        field: {
            "data_type": "keyword",
            "points": index.points,
            "params": {"type": "keyword", "is_tenant": bool(getattr(index.params, "is_tenant", 0))},
        }
        for field, index in info.payload_schema.items()
    }
    return {
        "status": "green",
        "optimizer_status": "ok",
        "segments_count": info.segments_count,
        "points_count": info.points_count,
        "indexed_vectors_count": info.indexed_vectors_count,
        "payload_schema": indexes,
        "config": {
            "params": {"vectors": {"size": collection.size, "distance": collection.distance}},
            "hnsw_config": {"m": 0, "ef_construct": 100, "full_scan_threshold": 10_000},
            "optimizer_config": {"default_segment_number": 1, "flush_interval_sec": 0},
        },
    }


def _changed(engine: Engine, name: str, operation: edge.UpdateOperation) -> dict[str, Any]:
    engine.collection(name).change(operation)
    return {"operation_id": 0, "status": "completed"}


def _nearest(engine: Engine, name: str, body: Body) -> dict[str, Any]:
    collection = engine.collection(name)
    vector = body["query"]["nearest"]
    if len(vector) != collection.size:
        raise Refused(400, f"Wrong input: expected a vector of {collection.size} numbers.")
    request = edge.QueryRequest(
        query=edge.Query.Nearest(vector),
        filter=_filter(body.get("filter")),
        limit=body.get("limit", 10),
        score_threshold=body.get("score_threshold"),
        with_payload=body.get("with_payload") or False,
        with_vector=body.get("with_vector") or False,
    )
    found = collection.shard.query(request)
    return {"points": [{**_record(each), "version": 0, "score": each.score} for each in found]}


def _page(engine: Engine, name: str, body: Body) -> dict[str, Any]:
    request = edge.ScrollRequest(
        offset=body.get("offset"),
        limit=body.get("limit", 10),
        filter=_filter(body.get("filter")),
        with_payload=body.get("with_payload", True),
        with_vector=body.get("with_vector", False),
    )
    found, following = engine.collection(name).shard.scroll(request)
    return {
        "points": [_record(each) for each in found],
        "next_page_offset": following,
    }


def _record(found: edge.Record | edge.ScoredPoint) -> dict[str, Any]:
    return {"id": found.id, "payload": found.payload, "vector": found.vector}


def _schema(given: Any) -> Any:
    if given == "keyword":
        return edge.PayloadSchemaType.Keyword
    if given.get("type") == "keyword":
        return edge.KeywordIndexParams(is_tenant=given.get("is_tenant"))
    raise Refused(400, "Only keywords have an index here.")


def _filter(given: Body | None) -> edge.Filter | None:
    return None if given is None else _only(given)


def _only(given: Body) -> edge.Filter:
    """A filter; raises Refused for words of one that it does not know, rather than widen it."""
    if unknown := given.keys() - {"must", "should", "must_not"}:
        raise Refused(400, f"A filter has no {', '.join(sorted(unknown))} here.")
    return edge.Filter(
        must=_conditions(given.get("must")),
        should=_conditions(given.get("should")),
        must_not=_conditions(given.get("must_not")),
    )


def _conditions(given: Any) -> list[Any] | None:
    if given is None:
        return None
    return [_condition(each) for each in (given if isinstance(given, list) else [given])]


def _condition(given: Body) -> Any:
    match given:
        case {"key": key, "match": {"value": value}, **rest} if not rest:
            return edge.FieldCondition(key, match=edge.MatchValue(value))
        case {"key": key, "match": {"any": values}, **rest} if not rest:
            return edge.FieldCondition(key, match=edge.MatchAny(values))
        case {"key": key, "range": bounds, **rest} if not rest:
            return edge.FieldCondition(key, range=edge.RangeFloat(**bounds))
        case {"has_id": ids, **rest} if not rest:
            return edge.HasIdCondition(set(ids))
        case _ if not given.keys() - {"must", "should", "must_not"}:
            return _only(given)
        case _:
            raise Refused(400, f"No such condition here: {', '.join(sorted(given))}.")


# By method, whether a collection is named, and what of it.
_ANSWERS: Final[Mapping[tuple[str, bool, str], Callable[[Engine, str, Body], Any]]] = {
    ("GET", False, ""): _collections,
    ("GET", True, ""): _describe,
    ("PUT", True, ""): _make,
    ("DELETE", True, ""): _drop,
    ("GET", True, "exists"): _exists,
    ("PUT", True, "index"): _add_index,
    ("PUT", True, "points"): _upsert,
    ("POST", True, "points/delete"): _delete,
    ("POST", True, "points/query"): _nearest,
    ("POST", True, "points/count"): _count,
    ("POST", True, "points/scroll"): _page,
}
