"""/v1/collections/{collection_id}/shares."""

from app.core.auth import Permission
from app.identity.sharing.routing import Kind, shares_router
from app.knowledge.collections import service
from app.knowledge.collections.errors import CollectionNotFound, CollectionNotYours

router = shares_router(
    Kind(
        "/v1/collections",
        "collection",
        Permission.COLLECTIONS_READ,
        service.shareable,
        (CollectionNotFound, CollectionNotYours),
    )
)
