"""The routers of detection, its policies and its suggestions."""

from app.knowledge.detection.policies.router import router as policies
from app.knowledge.detection.router import router as detection
from app.knowledge.detection.suggestions.router import router as suggestions

ROUTERS = (detection, suggestions, policies)
