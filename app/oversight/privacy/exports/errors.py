"""Errors about exports."""

from app.core.errors import Conflict, Gone, NotFound


class ExportNotFound(NotFound):
    code = "export_not_found"
    title = "No such export"


class ExportUnderWay(Conflict):
    code = "export_under_way"
    title = "An export of your data is being made"


class ExportNotReady(Conflict):
    code = "export_not_ready"
    title = "The archive is not ready"


class ExportExpired(Gone):
    code = "export_expired"
    title = "The archive has been deleted"
