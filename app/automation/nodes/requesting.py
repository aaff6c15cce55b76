"""What is wrong with a request as the settings of a node write it down."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.agents.credentials.finding import Credentials
from app.agents.tools.errors import ToolUnfit
from app.agents.tools.web.calling import NOT_SETTABLE, PROOFS
from app.automation.nodes.exchanging import CredentialConfig
from app.automation.nodes.fields import is_template
from app.core.auth import Access
from app.core.errors import FieldError

# `X-Api-Key`, `Private-Token`, `client_secret`: names of what opens something.
_SECRET: Final = re.compile(
    r"(?:^|[-_.])(?:(?:api|access|functions|subscription)[-_]?key|token|secret|password|auth)$",
    re.IGNORECASE,
)


async def mistakes_in(
    credentials: Credentials, access: Access, settings: Mapping[str, Any]
) -> Sequence[FieldError]:
    """`secret_written` warns: whoever reads the definition reads what stands there."""
    headers, query = settings.get("headers"), settings.get("query")
    return [
        *_wrong_headers(headers),
        *_secrets_in(headers, "/headers"),
        *_secrets_in(query, "/query"),
        *await _expect_credential(credentials, access, settings.get("credential")),
    ]


def _wrong_headers(headers: Any) -> list[FieldError]:
    """Those that the service says itself, and those whose place is a credential."""
    if not isinstance(headers, Mapping) or is_template(list(headers)):
        return []
    found = []
    for name in headers:
        if str(name).lower() in NOT_SETTABLE:
            found.append(FieldError(f"/headers/{name}", "header_not_settable", "cannot be set"))
        elif str(name).lower() in PROOFS:
            said = "belongs in a credential"
            found.append(FieldError(f"/headers/{name}", "header_not_settable", said))
    return found


def _secrets_in(fields: Any, at: str) -> list[FieldError]:
    """Those that are written out under a name that a secret has."""
    if not isinstance(fields, Mapping):
        return []
    said = "who reads the workflow reads this secret; it belongs in a credential"
    return [
        FieldError(f"{at}/{name}", "secret_written", said)
        for name, value in fields.items()
        if _SECRET.search(name) and isinstance(value, str) and value and not is_template(value)
    ]


async def _expect_credential(
    credentials: Credentials, access: Access, named: Any
) -> Sequence[FieldError]:
    """What is wrong with the credential that settings name."""
    if not isinstance(named, Mapping) or is_template(dict(named)):
        return ()
    use = CredentialConfig.model_validate(named).use()
    try:
        await use.expect(credentials, access)
    except ToolUnfit as error:
        return [FieldError("/credential", error.code, error.detail)]
    return ()
