"""What the composition root wired, for this room's routes."""

from typing import Annotated

from fastapi import Depends, Request

from app.oversight.privacy.privacy import Privacy


def privacy_of(request: Request) -> Privacy:
    privacy: Privacy = request.app.state.privacy
    return privacy


PrivacyDep = Annotated[Privacy, Depends(privacy_of)]
