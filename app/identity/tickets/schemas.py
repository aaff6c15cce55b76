"""Stream tickets on the wire."""

from typing import Annotated

from pydantic import ConfigDict, Field

from app.core.schema import Input, Output

_PATH = "/v1/runs/01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11/events"


class StreamTicketCreate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"path": _PATH}]})

    path: Annotated[
        str | None,
        Field(
            pattern=r"^/[A-Za-z0-9._~/-]*$",
            max_length=500,
            description="The one stream that it opens (`/v1/runs/{run_id}/events`); null for any.",
        ),
    ] = None


class StreamTicketRead(Output):
    """A ticket, shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ticket": "8Jm1t0Qe0m3U2dJ5wQn3pT7yR6vK4sB9xZcLhGfDaEo", "expires_in": 30}
            ]
        }
    )

    ticket: str = Field(description="For the query parameter `ticket`; good for one request.")
    expires_in: int = Field(description="Seconds until it expires.")
