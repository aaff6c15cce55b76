"""Errors about service accounts."""

from app.core.errors import NotFound


class ServiceAccountNotFound(NotFound):
    code = "service_account_not_found"
    title = "No such service account"
