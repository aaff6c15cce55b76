"""What can go wrong with the embedded engines, each told in one sentence."""


class EngineError(Exception):
    """The engines cannot run; the message is one sentence that says what to do."""


class AlreadyRunning(EngineError):
    """Another process holds this data folder."""
