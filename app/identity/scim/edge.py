"""/scim/v2 as a process knows it before anyone speaks SCIM: the rest comes with the first request.

The protocol's library is half a second of a start and 8 MB, for what few workspaces use.
"""

from fastapi import FastAPI, Request, Response

PREFIX = "/scim/v2"


class Refused(Exception):
    """An error on its way to the client; what was done by then is rolled back behind it."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def install_scim_errors(app: FastAPI) -> None:
    async def tell(_: Request, error: Exception) -> Response:
        if not isinstance(error, Refused):
            raise error
        return error.response

    app.add_exception_handler(Refused, tell)
