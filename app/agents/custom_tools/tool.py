"""A workspace's own tool, ready to be called."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.agents.credentials.finding import Credentials
from app.agents.custom_tools.models import CustomTool
from app.agents.custom_tools.rendering import host_of, render
from app.agents.custom_tools.schemas import Policy, RequestTemplate, ResultShape
from app.agents.custom_tools.schemas_read import SentRequest
from app.agents.tools.tool import Outcome, ToolContext, ToolTraits
from app.agents.tools.web.answering import outcome_of
from app.agents.tools.web.calling import SAFE, CredentialUse, Egress, call
from app.agents.tools.web.client import Ask, ToolClient
from app.agents.tools.web.untrusted import masked


def traits_of(method: str, policy: Policy, result: ResultShape) -> ToolTraits:
    """What the runtime goes by: what the policy says, or the method suggests."""
    reads = method in SAFE
    return ToolTraits(
        effects=policy.effects or ("read" if reads else "external"),
        idempotent=reads if policy.idempotent is None else policy.idempotent,
        seconds=float(policy.seconds),
        characters=result.characters,
        scopes=frozenset(policy.scopes),
        approval=policy.approval or ("never" if reads else "always"),
    )


@dataclass(frozen=True, slots=True)
class HttpTool:
    """A Tool; it holds no row and no secret."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    traits: ToolTraits
    request: RequestTemplate
    result: ResultShape
    hosts: tuple[str, ...]
    client: ToolClient
    credentials: Credentials

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        """Raises ToolFault."""
        ask, egress = await self._ready(ctx, arguments)
        reply = await call(self.client, ask, egress, seconds=self.traits.seconds)
        return outcome_of(
            reply,
            egress.secrets,
            ctx.key,
            self.result.characters,
            pointer=self.result.pointer,
        )

    async def preview(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> SentRequest:
        """What would be sent, secrets masked; raises ToolFault."""
        ask, egress = await self._ready(ctx, arguments)
        egress.check_first(ask.url)
        egress.check(ask.url)
        url, headers = ask.url, dict(ask.headers)
        if egress.proof is not None:
            url, headers = egress.proof.put(url, headers)
        hidden = egress.secrets
        return SentRequest(
            method=ask.method,
            url=masked(str(url), hidden),
            headers={name: masked(value, hidden) for name, value in headers.items()},
            body=masked(ask.content.decode(), hidden) if ask.content is not None else None,
        )

    async def _ready(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> tuple[Ask, Egress]:
        ask = render(self.request, arguments, ctx.key)
        egress = Egress(self.hosts)
        if (use := use_of(self.request)) is not None:
            proof = await use.proof(self.credentials, ctx.access)
            egress = replace(egress, proof=proof, proof_needed=True)
        return ask, egress


def use_of(request: RequestTemplate) -> CredentialUse | None:
    used = request.credential
    return CredentialUse(used.name, used.location, used.field or "") if used else None


def tool_of(row: CustomTool, client: ToolClient, credentials: Credentials) -> HttpTool:
    """The tool that a row describes."""
    request = RequestTemplate.model_validate(row.request)
    policy = Policy.model_validate(row.policy)
    result = ResultShape.model_validate(row.result)
    return HttpTool(
        row.slug,
        row.description,
        row.parameters,
        traits_of(request.method, policy, result),
        request,
        result,
        tuple(policy.hosts) or (host_of(request).host_port_subcomponent or "",),
        client,
        credentials,
    )
