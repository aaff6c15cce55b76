"""What can be wrong with an integration or with the name of a model."""

from collections.abc import Sequence

from app.core.errors import Conflict, FieldError, NotFound, Unprocessable

MOST_NAMED = 5


class IntegrationNotFound(NotFound):
    code = "integration_not_found"
    title = "There is no such integration"


class IntegrationSlugTaken(Conflict):
    code = "integration_slug_taken"
    title = "Another integration of this workspace has that slug"


class CredentialNeeded(Unprocessable):
    code = "credential_needed"
    title = "A new address needs its credential"


class ModelUnknown(Unprocessable):
    code = "model_unknown"
    title = "No integration of this workspace offers that model"

    def __init__(self, model: str = "", unlisted: Sequence[str] = ()) -> None:
        silent = f" Not listed: {'; '.join(unlisted[:MOST_NAMED])}." if unlisted else ""
        super().__init__(
            f"No integration of this workspace offers {model!r}; `GET /v1/models` lists what is "
            f"there. A name is `<integration slug>/<model>`, or a model's own name.{silent}",
            errors=(FieldError("/body/model", "model_unknown", "not a model of this workspace"),),
        )


class NoModel(Conflict):
    """`unlisted` says of each integration that should have one why it has none."""

    code = "no_model"
    title = "This workspace has no model yet"

    def __init__(self, unlisted: Sequence[str] = ()) -> None:
        if not unlisted:
            super().__init__("Add an integration with `POST /v1/integrations`, and try again.")
            return
        super().__init__(
            f"No integration lists a chat model: {'; '.join(unlisted[:MOST_NAMED])}. Mend it, or "
            "name a model outright: `<integration slug>/<model>`."
        )
