"""What triggers wait for, by kind."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from app.automation.nodes.event_types import EVENT_TYPES, EventType
from app.core.schema import Input, Output, Text, WholeNumber

Kind = Literal["cron", "webhook", "event", "form"]
MOST_JITTER = 3600

HeaderName = Annotated[
    Text,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$"),
    AfterValidator(lambda name: name.lower()),
]
Secret = Annotated[
    Text | None,
    Field(
        min_length=16,
        max_length=200,
        description="Where the sender's own is to be used; by default one is made. Never shown.",
    ),
]


class CronTrigger(Input):
    """At times, in a time zone."""

    kind: Literal["cron"]
    expression: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=200,
            description="Minute, hour, day of month, month, day of week: `0 8 * * MON-FRI`.",
        ),
    ]
    time_zone: Annotated[
        Text, Field(min_length=1, max_length=64, description="As `Europe/Berlin`.")
    ] = "UTC"
    catch_up: Annotated[
        Literal["skip", "last", "all"],
        Field(
            description="Of times that were missed while nothing ran: none, the latest, or the "
            "last hundred."
        ),
    ] = "last"
    jitter_seconds: Annotated[
        WholeNumber,
        Field(
            ge=0,
            le=MOST_JITTER,
            description="Up to so much later, by chance, and before the next time.",
        ),
    ] = 0


class StandardWebhooks(Input):
    """Signed as standardwebhooks.com says, with an id and a time that are signed, too."""

    type: Literal["standard_webhooks"]
    tolerance_seconds: Annotated[
        WholeNumber, Field(ge=10, le=3600, description="How old a message may be.")
    ] = 300


class HmacSha256(Input):
    """The body's HMAC-SHA256 in a header, in hexadecimal."""

    type: Literal["hmac_sha256"]
    header: HeaderName = "x-hub-signature-256"
    prefix: Annotated[Text, Field(max_length=32)] = "sha256="
    accept_repeats: Annotated[
        bool,
        Field(
            description="Start a run for each of several messages with the same body. Nothing "
            "tells them from one that somebody sends again, so by default they are one."
        ),
    ] = False


class Unsigned(Input):
    """Whoever knows the address is believed."""

    type: Literal["none"]
    allow_unsigned: Annotated[
        Literal[True], Field(description="Said aloud: the address is all the protection there is.")
    ]


Verification = Annotated[StandardWebhooks | HmacSha256 | Unsigned, Field(discriminator="type")]


class WebhookTrigger(Input):
    """When something is posted to the trigger's address."""

    kind: Literal["webhook"]
    verification: Verification = Field(
        default_factory=lambda: StandardWebhooks(type="standard_webhooks")
    )
    secret: Secret = None
    headers: Annotated[
        list[HeaderName],
        Field(max_length=32, description="Further headers that the workflow is to see."),
    ] = Field(default_factory=list)
    query: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=64)]],
        Field(
            max_length=32,
            description="Parameters of the address that the workflow is to see although they are "
            "called as a credential is (`key`, `token` …).",
        ),
    ] = Field(default_factory=list)


class EventTrigger(Input):
    """When something has happened in the workspace."""

    kind: Literal["event"]
    type: Annotated[
        EventType,
        Field(
            description=f"One of {', '.join(f'`{each}`' for each in EVENT_TYPES)}, or what a "
            "workflow's `emit` calls it.",
        ),
    ]
    match: Annotated[
        Text | None,
        Field(min_length=1, max_length=2000, description="CEL over `event`; by default: all."),
    ] = None


class FormTrigger(Input):
    """When somebody fills a form in."""

    kind: Literal["form"]
    title: Annotated[Text, Field(min_length=1, max_length=200)]
    description: Annotated[Text, Field(max_length=2000)] = ""
    json_schema: Annotated[
        dict[str, Any], Field(max_length=64, description="A JSON Schema (2020-12) of an object.")
    ]
    access: Annotated[
        Literal["workspace", "public"],
        Field(description="For members who may run workflows, or for whoever has the address."),
    ] = "workspace"


Settings = Annotated[
    CronTrigger | WebhookTrigger | EventTrigger | FormTrigger, Field(discriminator="kind")
]


class CronTriggerRead(Output):
    kind: Literal["cron"]
    expression: str
    time_zone: str
    catch_up: Literal["skip", "last", "all"]
    jitter_seconds: int


class VerificationRead(Output):
    type: Literal["standard_webhooks", "hmac_sha256", "none"]
    tolerance_seconds: int | None
    header: str | None
    prefix: str | None
    accept_repeats: bool | None


class WebhookTriggerRead(Output):
    kind: Literal["webhook"]
    verification: VerificationRead
    headers: list[str]
    query: list[str]


class EventTriggerRead(Output):
    kind: Literal["event"]
    type: str
    match: str | None


class FormTriggerRead(Output):
    kind: Literal["form"]
    title: str
    description: str
    json_schema: dict[str, Any]
    access: Literal["workspace", "public"]


SettingsRead = Annotated[
    CronTriggerRead | WebhookTriggerRead | EventTriggerRead | FormTriggerRead,
    Field(discriminator="kind"),
]
