"""Consents on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from app.core.paging import PageQuery
from app.core.schema import Input, Output

Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,99}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$")]
Method = Literal["api", "banner", "document", "form", "settings"]
_CONSENT: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e22",
    "purpose": "product_news",
    "text_version": "2026-11-01",
    "granted": True,
    "method": "settings",
    "current": True,
    "created_at": "2026-11-02T09:30:00Z",
}


class ConsentCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "purpose": "product_news",
                    "text_version": "2026-11-01",
                    "granted": True,
                    "method": "settings",
                }
            ]
        }
    )

    purpose: Annotated[Purpose, Field(description="What it is about: `product_news`, say.")]
    text_version: Annotated[Version, Field(description="Which text the person was shown.")]
    granted: Annotated[bool, Field(description="False takes an earlier consent back.")]
    method: Annotated[Method, Field(description="How the person gave their word.")] = "api"


class ConsentQuery(PageQuery):
    purpose: Annotated[Purpose | None, Field(description="Only this purpose.")] = None
    current: Annotated[
        bool, Field(description="Only the last word on each purpose, not the history.")
    ] = False


class ConsentRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_CONSENT]})

    id: UUID
    purpose: str
    text_version: str
    granted: bool
    method: Method
    current: bool = Field(description="Whether this is the last word on its purpose.")
    created_at: AwareDatetime
