"""One request at a vendor's address, with what its operation needs to serve it."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.types import Receive, Scope

from app.core.audit import REQUEST
from app.core.auth import Access, Permission
from app.core.errors import Unauthenticated
from app.core.http.context import TOLD, add_headers
from app.core.http.guard import ScopeMissing
from app.core.http.json_route import facts_of
from app.core.http.rate_limits import (
    VERDICT,
    address_of,
    count,
    resolve,
    wording_of,
)
from app.core.kernel import Kernel
from app.core.limits import Verdict
from app.inference.cache.responses import directive_of
from app.inference.calls.features import expect_feature
from app.inference.calls.order import Order
from app.inference.inference import Inference
from app.inference.relay.body import read_body
from app.inference.relay.credentials import credentials
from app.inference.relay.paying import paying
from app.inference.relay.reply import ClientWatch, Lookout, Reply
from app.inference.relay.wishes import NONE, Wishes, expect_own
from app.inference.routing.plan import Question

CALLER: Final = "luminous.caller"


class Visit:
    """`parameters` are what the address's template names (`{model}`).

    Of a header that was sent twice, `headers` have the last one.
    """

    __slots__ = (
        "headers", "inference", "kernel", "lookout", "parameters", "receive", "reply", "scope",
    )  # fmt: skip

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        reply: Reply,
        kernel: Kernel,
        inference: Inference,
        lookout: Lookout,
        parameters: Mapping[str, str],
    ) -> None:
        self.scope = scope
        self.receive = receive
        self.reply = reply
        self.kernel = kernel
        self.inference = inference
        self.lookout = lookout
        self.parameters = parameters
        self.headers: dict[bytes, bytes] = scope[TOLD]

    async def access(self, permission: Permission, feature: str = "") -> Access:
        """The caller, whose request is counted, if it may do this.

        Raises Unauthenticated, RateLimited, ScopeMissing and FeatureNotAllowed.
        """
        access = await self.caller(permission, feature)
        await self.count(access)
        return access

    def caller_at_hand(self, permission: Permission, feature: str = "") -> Access | None:
        """What `caller` gives, where nobody must be waited for; None where it must be asked."""
        bearer, workspace_id = credentials(self.scope, self.headers)
        resolver = self.kernel.resolver
        if not bearer or resolver is None:
            return None
        address = address_of(self.scope)
        self.kernel.admission.check_attempts(address)
        access = resolver.peek(bearer, workspace_id, address)
        return None if access is None else self._allowed(access, permission, feature)

    async def caller(self, permission: Permission, feature: str = "") -> Access:
        """The same as `access`, for a request that the gate will count."""
        bearer, workspace_id = credentials(self.scope, self.headers)
        resolver = self.kernel.resolver
        if not bearer or resolver is None:
            await self.count()
            raise Unauthenticated(
                "You didn't provide an API key. Send it in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            )
        access = await resolve(self.scope, self.kernel, resolver, bearer, workspace_id)
        return self._allowed(access, permission, feature)

    def _allowed(self, access: Access, permission: Permission, feature: str) -> Access:
        """The caller, who may do this; raises ScopeMissing and FeatureNotAllowed."""
        self.scope[CALLER] = access
        if permission not in access.permissions:
            raise ScopeMissing(
                "You have insufficient permissions for this operation. "
                f"Missing scopes: {permission}."
            )
        if feature and access.rules.features is not None:
            expect_feature(access, feature)
        return access

    def order(
        self,
        access: Access,
        question: Question,
        wishes: Wishes,
        *,
        customer: str | None = None,
        operation: str = "chat",
    ) -> Order:
        """What the gate and the router are asked with.

        `customer` is the end user that the request itself names; the header goes before it, and the
        key's own before both. Raises NotOfThisKey.
        """
        rules = access.rules
        if wishes is not NONE:
            expect_own(rules, wishes)
        policies = self.kernel.admission.policies(address_of(self.scope), access)
        return Order(
            paying(access, rules.customer or wishes.customer or customer, wishes.tags),
            question,
            rules,
            access,
            policies,
            operation,
            self._note,
            directive_of(wishes.cache),
        )

    def _note(self, verdict: Verdict) -> None:
        """Have the answer tell how its caller stands; the gate has counted the request."""
        scope = self.scope
        if VERDICT not in scope:
            scope[VERDICT] = verdict
            add_headers(scope, wording_of(verdict, scope.get(CALLER)).all_headers(verdict))

    async def count_refused(self) -> None:
        """Count a request that went wrong before the gate has seen it; raises RateLimited."""
        access = self.scope.get(CALLER)
        if access is not None:
            await self.count(access)

    async def count(self, access: Access | None = None) -> None:
        """Count the request, once, where the gate does not; raises RateLimited."""
        if VERDICT in self.scope:
            return
        try:
            await count(self.scope, self.kernel, access)
        finally:
            verdict: Verdict | None = self.scope.get(VERDICT)
            if verdict is not None:
                told = wording_of(verdict, access).vendor_headers(verdict)
                add_headers(self.scope, told)

    def watch(self) -> ClientWatch:
        """Cancels what is done for the client, within the block, once it has hung up."""
        return ClientWatch(self.receive, self.reply, self.lookout)

    def body(self, limit: int | None = None) -> Awaitable[bytes]:
        """The whole body; raises PayloadTooLarge and ClientGone."""
        most = self.kernel.settings.max_body_bytes
        return read_body(self.scope, self.receive, min(limit or most, most))

    @asynccontextmanager
    async def writing(self, access: Access, operation: str) -> AsyncIterator[AsyncSession]:
        """The transaction of what the request changes, known to the audit trail by `operation`."""
        async with self.kernel.database.unit(access.scope) as session:
            facts = facts_of(Request(self.scope), operation)
            session.info[REQUEST] = replace(facts, access=access)
            yield session

    def header(self, name: bytes) -> str:
        """A header of the request, by its lower-case name; empty without one."""
        for given, value in self.scope["headers"]:
            if given == name:
                return str(value.decode("latin-1"))
        return ""
