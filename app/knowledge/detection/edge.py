"""The detector of this process, for routes."""

from typing import Annotated

from fastapi import Depends, Request

from app.knowledge.detection.detector import Detector


def detector_of(request: Request) -> Detector:
    detector: Detector = request.app.state.knowledge.detector
    return detector


DetectorDep = Annotated[Detector, Depends(detector_of)]
