"""What can be wrong with the tools that a definition names."""

from app.core.errors import Conflict, NotFound


class ToolUnknown(NotFound):
    code = "tool_unknown"
    title = "No such tool"


class ToolUnfit(Conflict):
    code = "tool_unfit"
    title = "The tool cannot be used as it is"
