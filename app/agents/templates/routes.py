"""The routers of templates, in the order in which a newcomer reads them."""

from app.agents.templates.making_router import router as making
from app.agents.templates.router import router as templates
from app.agents.templates.shares import router as shares
from app.agents.templates.use_router import router as use
from app.agents.templates.versions_router import router as versions

# A template's id would take `packs`.
ROUTERS = (making, templates, versions, use, shares)
