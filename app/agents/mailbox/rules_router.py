"""/v1/mailbox-rules and /v1/mailbox-subscriptions."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.agents.mailbox import rules, subscriptions
from app.agents.mailbox.edge import MailroomDep, Reader, Subscriber, Writer
from app.agents.mailbox.errors import (
    MailboxNotFound,
    MailboxRuleNotFound,
    MailboxSubscribed,
    MailboxSubscriptionNotFound,
    NotAnAgent,
    TooManyRules,
)
from app.agents.mailbox.models import MailboxRule, MailboxSubscription
from app.agents.mailbox.rule_schemas import (
    MailboxRuleCreate,
    MailboxRuleQuery,
    MailboxRuleRead,
    MailboxRuleUpdate,
)
from app.agents.mailbox.subscription_schemas import (
    MailboxSubscriptionCreate,
    MailboxSubscriptionQuery,
    MailboxSubscriptionRead,
    MailboxSubscriptionUpdate,
)
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

rules_router = guarded_router(prefix="/v1/mailbox-rules", tag="mailbox_rules")
subscriptions_router = guarded_router(
    prefix="/v1/mailbox-subscriptions", tag="mailbox_subscriptions"
)


@rules_router.get(
    "",
    operation_id="mailbox_rules_list",
    summary="List rules, newest first",
    response_model=Page[MailboxRuleRead],
    responses=problems(CursorInvalid),
)
async def list_rules(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[MailboxRuleQuery, Query()],
) -> object:
    return await rules.page(session, access, query, kernel.cursors)


@rules_router.post(
    "",
    operation_id="mailbox_rules_create",
    summary="Make a rule about where messages go",
    description=(
        "Rules are asked when a message is sent, in the order of `position`; the first that leads "
        "it elsewhere, drops it or makes it a dead letter decides."
    ),
    status_code=201,
    response_model=MailboxRuleRead,
    responses=problems(TooManyRules),
)
async def create_rule(
    access: Writer,
    session: Session,
    room: MailroomDep,
    new: MailboxRuleCreate,
    response: Response,
) -> MailboxRule:
    made = await rules.create(session, room, access, new)
    response.headers["Location"] = f"/v1/mailbox-rules/{made.id}"
    return made


@rules_router.get(
    "/{mailbox_rule_id}",
    operation_id="mailbox_rules_get",
    summary="Show a rule",
    response_model=MailboxRuleRead,
    responses=problems(MailboxRuleNotFound),
)
async def get_rule(access: Reader, session: Session, mailbox_rule_id: UUID) -> MailboxRule:
    return await rules.get(session, access, mailbox_rule_id)


@rules_router.patch(
    "/{mailbox_rule_id}",
    operation_id="mailbox_rules_update",
    summary="Change a rule",
    response_model=MailboxRuleRead,
    responses=problems(MailboxRuleNotFound),
)
async def update_rule(
    access: Writer,
    session: Session,
    room: MailroomDep,
    mailbox_rule_id: UUID,
    change: MailboxRuleUpdate,
) -> MailboxRule:
    return await rules.update(session, room, access, mailbox_rule_id, change)


@rules_router.delete(
    "/{mailbox_rule_id}",
    operation_id="mailbox_rules_delete",
    summary="Delete a rule; it can be restored for 30 days",
    status_code=204,
    responses=problems(MailboxRuleNotFound),
)
async def delete_rule(access: Writer, session: Session, mailbox_rule_id: UUID) -> None:
    await rules.delete(session, access, mailbox_rule_id)


@rules_router.post(
    "/{mailbox_rule_id}/restore",
    operation_id="mailbox_rules_restore",
    summary="Bring a deleted rule back",
    response_model=MailboxRuleRead,
    responses=problems(MailboxRuleNotFound, TooManyRules, RestoreExpired),
)
async def restore_rule(access: Writer, session: Session, mailbox_rule_id: UUID) -> MailboxRule:
    return await rules.restore(session, access, mailbox_rule_id)


@subscriptions_router.get(
    "",
    operation_id="mailbox_subscriptions_list",
    summary="List which agents answer their mail, newest first",
    response_model=Page[MailboxSubscriptionRead],
    responses=problems(CursorInvalid),
)
async def list_subscriptions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[MailboxSubscriptionQuery, Query()],
) -> object:
    return await subscriptions.page(session, access, query, kernel.cursors)


@subscriptions_router.post(
    "",
    operation_id="mailbox_subscriptions_create",
    summary="Have an agent answer what comes to its mailbox",
    description=(
        "Each message is a run of the agent, on your behalf and at your workspace's cost. Its "
        "result goes where the message asks for an answer. A run that fails is tried again later; "
        "in the end the message is a dead letter."
    ),
    status_code=201,
    response_model=MailboxSubscriptionRead,
    responses=problems(MailboxNotFound, NotAnAgent, MailboxSubscribed),
)
async def create_subscription(
    access: Subscriber,
    session: Session,
    room: MailroomDep,
    new: MailboxSubscriptionCreate,
    response: Response,
) -> MailboxSubscription:
    made = await subscriptions.create(session, room, access, new)
    response.headers["Location"] = f"/v1/mailbox-subscriptions/{made.id}"
    return made


@subscriptions_router.get(
    "/{mailbox_subscription_id}",
    operation_id="mailbox_subscriptions_get",
    summary="Show a subscription, with what it spent today",
    response_model=MailboxSubscriptionRead,
    responses=problems(MailboxSubscriptionNotFound),
)
async def get_subscription(
    access: Reader, session: Session, mailbox_subscription_id: UUID
) -> MailboxSubscription:
    return await subscriptions.get(session, access, mailbox_subscription_id)


@subscriptions_router.patch(
    "/{mailbox_subscription_id}",
    operation_id="mailbox_subscriptions_update",
    summary="Change a subscription, or pause it; it then answers on your behalf",
    response_model=MailboxSubscriptionRead,
    responses=problems(MailboxSubscriptionNotFound),
)
async def update_subscription(
    access: Subscriber,
    session: Session,
    room: MailroomDep,
    mailbox_subscription_id: UUID,
    change: MailboxSubscriptionUpdate,
) -> MailboxSubscription:
    return await subscriptions.update(session, room, access, mailbox_subscription_id, change)


@subscriptions_router.delete(
    "/{mailbox_subscription_id}",
    operation_id="mailbox_subscriptions_delete",
    summary="Delete a subscription; it can be restored for 30 days",
    status_code=204,
    responses=problems(MailboxSubscriptionNotFound),
)
async def delete_subscription(
    access: Writer, session: Session, mailbox_subscription_id: UUID
) -> None:
    await subscriptions.delete(session, access, mailbox_subscription_id)


@subscriptions_router.post(
    "/{mailbox_subscription_id}/restore",
    operation_id="mailbox_subscriptions_restore",
    summary="Bring a deleted subscription back",
    response_model=MailboxSubscriptionRead,
    responses=problems(MailboxSubscriptionNotFound, MailboxSubscribed, RestoreExpired),
)
async def restore_subscription(
    access: Subscriber, session: Session, mailbox_subscription_id: UUID
) -> MailboxSubscription:
    return await subscriptions.restore(session, access, mailbox_subscription_id)
