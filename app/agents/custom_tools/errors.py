"""What can be wrong with a workspace's own tools."""

from app.core.errors import Conflict, NotFound, Unprocessable, UpstreamFailed


class ToolNotFound(NotFound):
    code = "tool_not_found"
    title = "There is no such tool"


class ToolSlugTaken(Conflict):
    code = "tool_slug_taken"
    title = "Another tool of this workspace has that slug"


class ToolInvalid(Unprocessable):
    code = "tool_invalid"
    title = "The tool does not fit together"


class OpenApiUnreadable(Unprocessable):
    code = "openapi_unreadable"
    title = "This is no OpenAPI document that can be read"


class OpenApiUnreachable(UpstreamFailed):
    code = "openapi_unreachable"
    title = "The OpenAPI document could not be fetched"
