"""Peers, bundles and what comes of them on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, Output, Text, Version, WholeNumber
from app.knowledge.exchange.sync.merging import Side, Strategy

MOST_ENTRIES = 500
MOST_BUNDLE = 16 * 1024 * 1024
_KEY: JsonDict = {"kty": "EC", "crv": "P-256", "x": "…", "y": "…"}


class BundleKeyRead(Output):
    """The public half of the key that this workspace's bundles are signed with."""

    kid: str = Field(validation_alias="thumbprint", description="Its thumbprint (RFC 7638).")
    algorithm: Literal["ES256"]
    public_jwk: dict[str, Any] = Field(description="Give it to peers, who pin it.")


class PeerCreate(Input):
    name: Name
    public_jwk: dict[str, Any] = Field(
        max_length=20, description="The peer's `public_jwk`, which you have from its operator."
    )

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Vienna", "public_jwk": _KEY}]}
    )


class PeerQuery(RestorableQuery):
    """Which peers."""


class PeerRead(Output):
    """A dictionary of another instance that this one is kept in step with."""

    id: UUID
    dictionary_id: UUID
    name: str
    thumbprint: str = Field(description="Of its key; compare it with its operator.")
    public_jwk: dict[str, Any]
    remote_dictionary_id: UUID | None = Field(description="Pinned with its first bundle.")
    sent: int = Field(description="The number of the last bundle made for it.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class BundleCreate(Input):
    peer_id: UUID
    since: Annotated[
        WholeNumber | None,
        Field(
            ge=0,
            description="Also what stood in bundles after this one, even if the peer has them.",
        ),
    ] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=MOST_ENTRIES, description="Entries at most.")] = (
        200
    )


class BundleMade(Output):
    """What has changed here that the peer is not known to have."""

    peer_id: UUID
    sequence: int
    entries: int
    has_more: bool = Field(description="Whether another bundle is needed for the rest.")
    sha256: str
    bundle: str | None = Field(description="A compact JWS; null in a dry run.")


class BundleChoice(Input):
    """Who is to have one field that both sides have changed."""

    sync_id: UUID
    field: Annotated[Text, Field(max_length=300, description="As the conflict names it.")]
    take: Side


class BundleApply(Input):
    bundle: Annotated[Text, Field(min_length=1, max_length=MOST_BUNDLE)]
    strategy: Strategy = Field(
        default="manual",
        description="Of a field that both have changed: keep `ours`, take `theirs`, the one that "
        "was changed last (`newest`), or leave the entry as it is (`manual`).",
    )
    resolutions: Annotated[
        list[BundleChoice],
        Field(max_length=MOST_ENTRIES, description="These go before the strategy."),
    ] = Field(default_factory=list)


class BundleConflict(Output):
    sync_id: UUID
    entry_id: UUID
    field: str = Field(description="`terms/de`, say; `*`: one has deleted what the other changed.")
    base: Any = Field(description="What both had; null if nothing.")
    ours: Any
    theirs: Any
    resolution: Literal["ours", "theirs", "open"]


class BundleRefusal(Output):
    """An entry of a bundle that could not be taken over."""

    sync_id: UUID
    reason: str


class BundleApplied(Output):
    """What came of a bundle, or would come of it in a dry run. The counts are of entries."""

    peer_id: UUID
    sequence: int
    complete: bool = Field(
        description="Whether nothing is left open, so that the peer is told that it is applied."
    )
    created: int
    updated: int
    deleted: int
    unchanged: int
    known: int = Field(description="Those that were merged before: a replay changes nothing.")
    open: int = Field(description="Those left as they are because of open conflicts.")
    waiting: int = Field(description="Those that lead to entries which are not here yet.")
    conflicts: list[BundleConflict]
    refused: list[BundleRefusal]
