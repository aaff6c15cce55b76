"""The transfer of a workspace on the wire."""

from uuid import UUID

from pydantic import ConfigDict

from app.core.schema import Input


class OwnershipTransfer(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"member_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31"}]}
    )

    member_id: UUID
