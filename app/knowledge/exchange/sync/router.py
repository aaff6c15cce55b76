"""/v1/dictionaries/{id}/peers and /bundles, and the key they are signed with."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import RailsDep
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.dictionary.errors import DictionaryNotFound
from app.knowledge.exchange.errors import BundleRefused, PeerInvalid, PeerKeyTaken, PeerNotFound
from app.knowledge.exchange.models import Peer
from app.knowledge.exchange.sync import bundling, peers, taking
from app.knowledge.exchange.sync.schemas import (
    BundleApplied,
    BundleApply,
    BundleCreate,
    BundleKeyRead,
    BundleMade,
    PeerCreate,
    PeerQuery,
    PeerRead,
)
from app.knowledge.exchange.sync.signing import ALGORITHM, own_key
from app.knowledge.passages.indexer import JOB

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]
Writer = Annotated[Access, require(Permission.DICTIONARY_WRITE)]
# What a bundle brings may be approved: whoever takes it in must be allowed to approve.
Approver = Annotated[Access, require(Permission.DICTIONARY_WRITE, Permission.DICTIONARY_APPROVE)]

router = guarded_router(prefix="/v1", tag="dictionary_peers")


@router.get(
    "/dictionary/bundle-key",
    operation_id="dictionary_bundle_keys_get",
    summary="Show the key that this workspace's bundles are signed with",
    response_model=BundleKeyRead,
    responses=problems(),
)
async def get_bundle_key(access: Reader, kernel: KernelDep) -> BundleKeyRead:
    key = own_key(access.workspace_id, kernel.vault)
    return BundleKeyRead(thumbprint=key.thumbprint, algorithm=ALGORITHM, public_jwk=key.public_jwk)


@router.get(
    "/dictionaries/{dictionary_id}/peers",
    operation_id="dictionary_peers_list",
    summary="List the peers of a dictionary, newest first",
    response_model=Page[PeerRead],
    responses=problems(CursorInvalid, DictionaryNotFound),
)
async def list_peers(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    dictionary_id: UUID,
    query: Annotated[PeerQuery, Query()],
) -> object:
    return await peers.page(session, access, dictionary_id, query, kernel.cursors)


@router.post(
    "/dictionaries/{dictionary_id}/peers",
    operation_id="dictionary_peers_create",
    summary="Pin the key of a peer",
    status_code=201,
    response_model=PeerRead,
    responses=problems(DictionaryNotFound, PeerInvalid, PeerKeyTaken),
)
async def create_peer(
    access: Approver, session: Session, dictionary_id: UUID, new: PeerCreate, response: Response
) -> Peer:
    peer = await peers.create(session, access, dictionary_id, new)
    response.headers["Location"] = f"/v1/dictionaries/{dictionary_id}/peers/{peer.id}"
    return peer


@router.get(
    "/dictionaries/{dictionary_id}/peers/{peer_id}",
    operation_id="dictionary_peers_get",
    summary="Show a peer",
    response_model=PeerRead,
    responses=problems(DictionaryNotFound, PeerNotFound),
)
async def get_peer(access: Reader, session: Session, dictionary_id: UUID, peer_id: UUID) -> Peer:
    return await peers.get(session, access, dictionary_id, peer_id)


@router.delete(
    "/dictionaries/{dictionary_id}/peers/{peer_id}",
    operation_id="dictionary_peers_delete",
    summary="Take no more from a peer; it can be restored for 30 days",
    status_code=204,
    responses=problems(DictionaryNotFound, PeerNotFound),
)
async def delete_peer(
    access: Approver, session: Session, dictionary_id: UUID, peer_id: UUID
) -> None:
    await peers.delete(session, access, dictionary_id, peer_id)


@router.post(
    "/dictionaries/{dictionary_id}/peers/{peer_id}/restore",
    operation_id="dictionary_peers_restore",
    summary="Bring a deleted peer back",
    response_model=PeerRead,
    responses=problems(DictionaryNotFound, PeerNotFound, RestoreExpired, PeerKeyTaken),
)
async def restore_peer(
    access: Approver, session: Session, dictionary_id: UUID, peer_id: UUID
) -> Peer:
    return await peers.restore(session, access, dictionary_id, peer_id)


@router.post(
    "/dictionaries/{dictionary_id}/bundles",
    operation_id="dictionary_bundles_create",
    summary="Make a signed bundle of what a peer does not have yet",
    response_model=BundleMade,
    responses=problems(DictionaryNotFound, PeerNotFound),
)
async def create_bundle(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    rails: RailsDep,
    dictionary_id: UUID,
    new: BundleCreate,
) -> BundleMade:
    made = await bundling.make(session, access, kernel.vault, dictionary_id, new)
    # Its number is given to another one: a signature under it must not be given away.
    return made.model_copy(update={"bundle": None}) if rails.dry_run else made


@router.post(
    "/dictionaries/{dictionary_id}/bundles/apply",
    operation_id="dictionary_bundles_apply",
    summary="Merge a peer's bundle, and tell where both sides had changed the same",
    response_model=BundleApplied,
    responses=problems(DictionaryNotFound, BundleRefused),
)
async def apply_bundle(
    access: Approver,
    session: Session,
    kernel: KernelDep,
    dictionary_id: UUID,
    wanted: BundleApply,
) -> BundleApplied:
    on_commit(session, lambda: kernel.nudge(JOB))
    return await taking.apply(session, access, kernel.vault, dictionary_id, wanted)
