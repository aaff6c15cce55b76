"""Errors about connections to identity providers, and their domains."""

from app.core.errors import Conflict, FieldError, NotFound, PermissionDenied, Unprocessable


class SsoConnectionNotFound(NotFound):
    code = "sso_connection_not_found"
    title = "No such connection"


class SsoDomainNotFound(NotFound):
    code = "sso_domain_not_found"
    title = "No such domain"


class SsoDomainTaken(Conflict):
    code = "sso_domain_taken"
    title = "The domain is taken"


class SsoDomainUnproven(Conflict):
    code = "sso_domain_unproven"
    title = "The domain's TXT record is missing"


class SsoRoleUnknown(Unprocessable):
    code = "sso_role_unknown"
    title = "No such role to give to members"


class SsoNeedsDomain(Conflict):
    code = "sso_needs_domain"
    title = "Prove a domain first"


class SsoNeedsOwner(Conflict):
    code = "sso_needs_owner"
    title = "An owner needs a second factor first"


class SsoSecretNeeded(Unprocessable):
    code = "sso_secret_needed"
    title = "Another issuer needs a client secret of its own"

    def __init__(self) -> None:
        wrong = FieldError("/body/client_secret", self.code, "is needed with another issuer")
        super().__init__(
            "The one that is stored is shown to its own issuer alone.", errors=(wrong,)
        )


class SsoRequired(PermissionDenied):
    code = "sso_required"
    title = "This account signs in through its organisation"
