"""What the members of a workspace do with datasets."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from app.agents.evaluations.datasets import crud
from app.agents.evaluations.datasets.errors import (
    CaseNotFound,
    DatasetEmpty,
    DatasetFull,
    DatasetNotFound,
)
from app.agents.evaluations.datasets.models import (
    Dataset,
    DatasetCase,
    DatasetSnapshot,
    SnapshotCase,
)
from app.agents.evaluations.datasets.schemas import (
    MOST_CASES,
    MOST_REFUSALS,
    CasesAdded,
    DatasetCaseCreate,
    DatasetCaseQuery,
    DatasetCaseUpdate,
    DatasetCreate,
    DatasetQuery,
    DatasetSnapshotQuery,
    DatasetUpdate,
    RefusedRow,
)
from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match

SEEN = ("input", "variables", "expected", "tags")


def digest_of(values: Mapping[str, Any]) -> str:
    """Of what a target or a grader sees of a case."""
    seen = [values[name] for name in SEEN]
    return sha256(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def create(session: AsyncSession, access: Access, new: DatasetCreate) -> Dataset:
    made = Dataset(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        name=new.name,
        description=new.description,
        labels=new.metadata,
        case_count=len(new.cases),
    )
    await crud.add(session, made)
    await _append(session, made, [values_of(each) for each in new.cases], start=0)
    return made


async def get(
    session: AsyncSession, access: Access, dataset_id: UUID, *, for_update: bool = False
) -> Dataset:
    """Raises DatasetNotFound."""
    found = await restorable.find(
        session, Dataset, access.workspace_id, dataset_id, for_update=for_update
    )
    if found is None or found.deleted_at:
        raise DatasetNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: DatasetQuery, cursors: Cursors
) -> Slice[Dataset]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession, access: Access, dataset_id: UUID, change: DatasetUpdate
) -> Dataset:
    found = await get(session, access, dataset_id, for_update=True)
    await match(session, found)
    for name, value in change.given().items():
        setattr(found, "labels" if name == "metadata" else name, value)
    await session.flush()
    await session.refresh(found)
    return found


async def delete(session: AsyncSession, access: Access, dataset_id: UUID) -> None:
    """Experiments that were made with it keep their snapshot."""
    found = await get(session, access, dataset_id, for_update=True)
    await match(session, found)
    found.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, dataset_id: UUID) -> Dataset:
    """Raises DatasetNotFound and RestoreExpired."""
    found = await restorable.find(
        session, Dataset, access.workspace_id, dataset_id, for_update=True
    )
    if found is None:
        raise DatasetNotFound
    await restorable.bring_back(session, found)
    return found


async def cases(
    session: AsyncSession,
    access: Access,
    dataset_id: UUID,
    query: DatasetCaseQuery,
    cursors: Cursors,
) -> Slice[DatasetCase]:
    """Raises DatasetNotFound."""
    await get(session, access, dataset_id)
    return await crud.cases(session, access.workspace_id, dataset_id, query, cursors)


async def add_case(
    session: AsyncSession, access: Access, dataset_id: UUID, new: DatasetCaseCreate
) -> DatasetCase:
    """Raises DatasetNotFound and DatasetFull."""
    dataset = await get(session, access, dataset_id, for_update=True)
    await _expect_room(session, dataset, 1)
    made = DatasetCase(
        id=new_id(),
        workspace_id=dataset.workspace_id,
        dataset_id=dataset.id,
        position=1 + await crud.last_position(session, dataset.workspace_id, dataset.id),
        **values_of(new),
    )
    await crud.add(session, made)
    dataset.case_count += 1
    await session.flush()
    return made


async def get_case(
    session: AsyncSession,
    access: Access,
    dataset_id: UUID,
    case_id: UUID,
    *,
    for_update: bool = False,
) -> DatasetCase:
    """Raises DatasetNotFound and CaseNotFound."""
    await get(session, access, dataset_id)
    found = await crud.case(
        session, access.workspace_id, dataset_id, case_id, for_update=for_update
    )
    if found is None:
        raise CaseNotFound
    return found


async def update_case(
    session: AsyncSession,
    access: Access,
    dataset_id: UUID,
    case_id: UUID,
    change: DatasetCaseUpdate,
) -> DatasetCase:
    """Snapshots keep the case as it was."""
    found = await get_case(session, access, dataset_id, case_id, for_update=True)
    await match(session, found)
    for name, value in change.given().items():
        setattr(found, "labels" if name == "metadata" else name, value)
    found.digest = digest_of({name: getattr(found, name) for name in SEEN})
    await session.flush()
    await session.refresh(found)
    return found


async def delete_case(
    session: AsyncSession, access: Access, dataset_id: UUID, case_id: UUID
) -> None:
    dataset = await get(session, access, dataset_id, for_update=True)
    found = await get_case(session, access, dataset_id, case_id, for_update=True)
    await match(session, found)
    await crud.remove(session, found)
    dataset.case_count = await crud.count(session, dataset.workspace_id, dataset.id)
    await session.flush()


async def added(
    session: AsyncSession,
    dataset: Dataset,
    values: list[dict[str, Any]],
    refusals: list[RefusedRow],
) -> CasesAdded:
    await _expect_room(session, dataset, len(values))
    start = await crud.last_position(session, dataset.workspace_id, dataset.id)
    await _append(session, dataset, values, start=start)
    dataset.case_count += len(values)
    await session.flush()
    return CasesAdded(added=len(values), refused=len(refusals), refusals=refusals[:MOST_REFUSALS])


async def _expect_room(session: AsyncSession, dataset: Dataset, count: int) -> None:
    dataset.case_count = await crud.count(session, dataset.workspace_id, dataset.id)
    if dataset.case_count + count > MOST_CASES:
        raise DatasetFull(
            f"A dataset has at most {MOST_CASES} cases; this one has {dataset.case_count}."
        )


async def _append(
    session: AsyncSession, dataset: Dataset, values: Iterable[dict[str, Any]], *, start: int
) -> None:
    rows = [
        {
            "id": new_id(),
            "workspace_id": dataset.workspace_id,
            "dataset_id": dataset.id,
            "position": position,
            "user_id": None,
            "run_id": None,
            **each,
        }
        for position, each in enumerate(values, start=start + 1)
    ]
    await crud.add_cases(session, rows)


def values_of(new: DatasetCaseCreate) -> dict[str, Any]:
    """A case as its row keeps it."""
    values = new.model_dump(mode="json")
    values["labels"] = values.pop("metadata")
    return {**values, "digest": digest_of(values)}


async def snapshots(
    session: AsyncSession,
    access: Access,
    dataset_id: UUID,
    query: DatasetSnapshotQuery,
    cursors: Cursors,
) -> Slice[DatasetSnapshot]:
    """Raises DatasetNotFound."""
    await get(session, access, dataset_id)
    return await crud.snapshots(session, access.workspace_id, dataset_id, query, cursors)


async def pin(
    session: AsyncSession, access: Access, dataset_id: UUID, tags: Sequence[str] = ()
) -> DatasetSnapshot:
    """The cases as they are now (those with one of the tags), pinned; the same ones only once.

    Raises DatasetNotFound and DatasetEmpty.
    """
    dataset = await get(session, access, dataset_id, for_update=True)
    found = await crud.digests(session, dataset.workspace_id, dataset.id, tags)
    if not found:
        raise DatasetEmpty("Add cases first." if not tags else "No case has one of these tags.")
    told = orjson.dumps([[str(case_id), digest] for case_id, digest in found])
    digest = sha256(told).hexdigest()
    made = await crud.snapshot(session, dataset.workspace_id, dataset.id, digest)
    if made is None:
        made = DatasetSnapshot(
            id=new_id(),
            workspace_id=dataset.workspace_id,
            dataset_id=dataset.id,
            digest=digest,
            case_count=len(found),
        )
        await crud.add(session, made)
        await crud.copy_cases(
            session, dataset.workspace_id, made.id, [case_id for case_id, _ in found]
        )
    return made


async def pinned(
    session: AsyncSession, workspace_id: UUID, snapshot_id: UUID
) -> Sequence[SnapshotCase]:
    """The cases of a snapshot in their order."""
    return await crud.pinned(session, workspace_id, snapshot_id)
