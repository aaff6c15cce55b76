"""The engines that `luminous up` runs out of wheels: a real Postgres and a real Valkey.

Both live in one data folder, listen on unix sockets only, and are child processes of ours.
"""

from app.cli.embedded.engines import EmbeddedEngines, running_addresses
from app.cli.embedded.errors import AlreadyRunning, EngineError

__all__ = ["AlreadyRunning", "EmbeddedEngines", "EngineError", "running_addresses"]
