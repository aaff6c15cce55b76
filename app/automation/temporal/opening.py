"""The driver that the operator has set."""

from importlib import import_module
from importlib.util import find_spec

from app.automation.engine.driving import BuiltIn, Driver
from app.core.config import InvalidSettings
from app.core.kernel import Kernel


async def open_driver(kernel: Kernel) -> Driver:
    """Raises InvalidSettings where it cannot be used."""
    settings = kernel.settings
    if settings.workflow_driver == "builtin":
        return BuiltIn()
    if find_spec("temporalio") is None:
        raise InvalidSettings(
            "LUMINOUS_WORKFLOW_DRIVER=temporal needs the package `temporalio`: "
            "install the extra `temporal`."
        )
    # Heavy, and there in few installations.
    client = await import_module("app.automation.temporal.connecting").connected(settings)
    driver: Driver = import_module("app.automation.temporal.driver").TemporalDriver(
        client, kernel.database, settings
    )
    return driver
