"""What can go wrong with a provider, as a client is told it.

ProviderError
├── ProviderRateLimited      429  retryable
├── ProviderOverloaded       503  retryable
├── ProviderQuotaExceeded    402
├── ProviderAuthFailed       502
├── ContextTooLong           400
├── ContentFiltered          400
├── ProviderRejected         400
│   └── ProviderUnfit        400  (never sent)
├── ModelNotFound            404
├── ProviderUnreachable      502  retryable
├── ProviderFailed           502  retryable
├── ProviderGarbled          502  retryable
├── ProviderInterrupted      502  retryable
└── ProviderTimedOut         504  retryable
"""

from app.core.errors import AppError, FieldError, Unprocessable

DETAIL_LIMIT = 500


class ProviderError(AppError):
    """A failed call to a provider; `upstream_status` is what the provider answered, if it did.

    `said` is the body of its refusal, kept where the client speaks the provider's own dialect.
    """

    status = 502
    code = "provider_failed"
    title = "The model provider failed"

    def __init__(
        self,
        provider: str,
        detail: str = "",
        *,
        upstream_status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        said = detail.strip() or self.title
        super().__init__(bounded(f"{provider}: {said}"), retry_after=retry_after)
        self.provider = provider
        self.upstream_status = upstream_status
        self.said = b""


def bounded(text: str) -> str:
    return text if len(text) <= DETAIL_LIMIT else text[: DETAIL_LIMIT - 1] + "…"


class ProviderRateLimited(ProviderError):
    status = 429
    code = "provider_rate_limited"
    title = "The model provider limits the rate of requests"
    retryable = True


class ProviderOverloaded(ProviderError):
    status = 503
    code = "provider_overloaded"
    title = "The model provider is overloaded"
    retryable = True


class ProviderQuotaExceeded(ProviderError):
    status = 402
    code = "provider_quota_exceeded"
    title = "The account at the model provider has no quota left"


class ProviderAuthFailed(ProviderError):
    """The integration's credentials are refused; the caller's own are fine, hence not a 401."""

    code = "provider_auth_failed"
    title = "The model provider refuses the integration's credentials"


class ContextTooLong(ProviderError):
    status = 400
    code = "context_too_long"
    title = "The conversation is longer than the model can read"


class ContentFiltered(ProviderError):
    status = 400
    code = "content_filtered"
    title = "The model provider's content filter refused the request"


class ProviderRejected(ProviderError):
    status = 400
    code = "provider_rejected_request"
    title = "The model provider does not accept this request"


class ProviderUnfit(ProviderRejected):
    """What the provider's dialect has no words for; nothing was sent, another may take it.

    `field` is the field of a ChatRequest that asks for it, where one does.
    """

    def __init__(self, provider: str, detail: str = "", *, field: str | None = None) -> None:
        super().__init__(provider, detail)
        self.field = field


class ModelNotFound(ProviderError):
    status = 404
    code = "model_not_found"
    title = "The model provider does not have this model"


class ProviderUnreachable(ProviderError):
    code = "provider_unreachable"
    title = "The model provider cannot be reached"
    retryable = True


class ProviderFailed(ProviderError):
    code = "provider_failed"
    retryable = True


class ProviderGarbled(ProviderError):
    code = "provider_garbled"
    title = "The model provider's answer cannot be read"
    retryable = True


class ProviderInterrupted(ProviderError):
    code = "provider_interrupted"
    title = "The model provider broke off in the middle of its answer"
    retryable = True


class ProviderTimedOut(ProviderError):
    status = 504
    code = "provider_timed_out"
    title = "The model provider took too long"
    retryable = True


class InvalidIntegration(Unprocessable):
    """An integration that lacks what its kind needs; nothing was sent anywhere."""

    code = "invalid_integration"
    title = "This integration cannot be built"

    def __init__(self, detail: str = "", field: str = "kind") -> None:
        super().__init__(detail, errors=(FieldError(f"/body/{field}", self.code, detail),))
