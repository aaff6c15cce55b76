"""All that is served under /scim/v2; imported with the first request there."""

from fastapi import APIRouter

from app.identity.scim.description_router import router as description
from app.identity.scim.router import router as resources

router = APIRouter()
# What describes itself first: the other one ends in a route that takes every address.
router.routes.extend([*description.routes, *resources.routes])
