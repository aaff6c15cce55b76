"""The operations that are passed on: their bytes to a provider, and its answer back."""

from starlette.types import Receive, Scope

from app.core.auth import Access, Permission
from app.core.errors import AppError
from app.inference.calls.order import Order
from app.inference.calls.passing import Errand
from app.inference.dialects.ask import read_customer
from app.inference.dialects.errors import ModelUnavailable, missing_model
from app.inference.integrations.errors import ModelUnknown
from app.inference.operations.content import Content, read_form, read_json
from app.inference.operations.extent import images_of, milliseconds_of
from app.inference.operations.table import Operation
from app.inference.relay.body import ClientGone, too_large
from app.inference.relay.visit import Visit
from app.inference.relay.wishes import read_wishes
from app.inference.routing.plan import Question


class PassOn:
    """Whatever the provider takes, known to us or not, goes to it as it came."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    async def serve(self, visit: Visit) -> None:
        operation = self._operation
        access = await visit.caller(Permission.MODELS_INVOKE, operation.feature)
        try:
            order, errand = await self._order(visit, access)
        except AppError:
            # What never comes to the gate is counted here.
            await visit.count(access)
            raise
        with visit.watch():
            try:
                await visit.inference.calls.pass_on(order, errand, visit.reply)
            except ModelUnknown:
                raise ModelUnavailable(order.question.model or "") from None

    async def _order(self, visit: Visit, access: Access) -> tuple[Order, Errand]:
        operation, wishes = self._operation, read_wishes(visit.headers)
        content = await self._content(visit)
        errand = operation.errand(content)
        model = content.model or operation.usual
        if model is None:
            raise missing_model()
        question = Question(
            model,
            operation.input_tokens(content),
            route=wishes.route,
            images=images_of(operation, content),
            milliseconds=milliseconds_of(operation, content),
        )
        customer = read_customer(content.get("user"))
        order = visit.order(access, question, wishes, customer=customer, operation=operation.name)
        return order, errand

    async def _content(self, visit: Visit) -> Content:
        if not self._operation.is_form:
            return read_json(await visit.body())
        limit = visit.kernel.settings.max_upload_bytes
        upload = await read_upload(visit.scope, visit.receive, limit)
        return read_form(upload, visit.header(b"content-type"))


async def read_upload(scope: Scope, receive: Receive, limit: int) -> bytearray:
    """A body that may be large, in one piece of memory; raises PayloadTooLarge and ClientGone."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise too_large(limit)
    upload, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        upload += message.get("body", b"")
        more = message.get("more_body", False)
        if len(upload) > limit:
            raise too_large(limit)
    return upload
