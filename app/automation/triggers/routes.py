"""The routes of triggers, in the order in which a newcomer reads them."""

from app.automation.triggers.hooks_router import forms, hooks, own_forms
from app.automation.triggers.router import router

ROUTERS = (router, own_forms, forms, hooks)
