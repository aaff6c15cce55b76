"""What can be wrong with mailboxes, their messages, rules and subscriptions."""

from app.core.errors import (
    Conflict,
    FieldError,
    NotFound,
    PermissionDenied,
    TooManyRequests,
    Unprocessable,
)


class MailboxNotFound(NotFound):
    code = "mailbox_not_found"
    title = "There is no such mailbox"


class MailboxNotYours(PermissionDenied):
    code = "mailbox_not_yours"
    title = "Only its owner may do this"


class MailboxExists(Conflict):
    code = "mailbox_exists"
    title = "The address has a mailbox already"


class TooManyMailboxes(Conflict):
    code = "too_many_mailboxes"
    title = "The workspace has as many mailboxes as it may"


class MailboxFull(TooManyRequests):
    """As many messages wait in the mailbox as it takes; send again once some are read."""

    code = "mailbox_full"
    title = "The mailbox is full"

    def __init__(self) -> None:
        super().__init__("Send it again once some of its messages are read.", retry_after=5)


class SenderUnknown(Unprocessable):
    code = "sender_unknown"
    title = "Messages cannot be sent from this address"

    def __init__(self) -> None:
        wrong = FieldError("/body/sender", self.code, "names no mailbox to send from")
        super().__init__("Leave `sender` out, or name a mailbox of a service.", errors=(wrong,))


class ReplyAddressUnknown(Unprocessable):
    code = "reply_address_unknown"
    title = "Answers cannot be sent to this address"

    def __init__(self) -> None:
        wrong = FieldError("/body/reply_to", self.code, "names no mailbox")
        super().__init__("Name a mailbox that there is.", errors=(wrong,))


class NoRecipients(NotFound):
    code = "no_recipients"
    title = "No mailbox has this tag"


class GroupTooLarge(Conflict):
    code = "mailbox_group_too_large"
    title = "More mailboxes have this tag than one message may reach"


class HopLimitReached(Conflict):
    code = "hop_limit_reached"
    title = "The message has come too far"


class MailboxMessageNotFound(NotFound):
    code = "mailbox_message_not_found"
    title = "The mailbox has no such message"


class LeaseLost(Conflict):
    """Its lease has ended: it was delivered again, or answered."""

    code = "lease_lost"
    title = "The message is not leased to you any more"


class NotDead(Conflict):
    code = "mailbox_message_not_dead"
    title = "The message is no dead letter"


class NoReplyWanted(Conflict):
    code = "no_reply_wanted"
    title = "The message names no address to answer to"


class ReplyPending(NotFound):
    code = "reply_pending"
    title = "There is no answer yet"
    retryable = True


class RequestDead(Conflict):
    code = "request_dead"
    title = "The message became a dead letter and will not be answered"


class MailboxRuleNotFound(NotFound):
    code = "mailbox_rule_not_found"
    title = "There is no such rule"


class TooManyRules(Conflict):
    code = "too_many_mailbox_rules"
    title = "The workspace has as many rules as it may"


class MailboxSubscriptionNotFound(NotFound):
    code = "mailbox_subscription_not_found"
    title = "There is no such subscription"


class MailboxKeyEnded(PermissionDenied):
    code = "mailbox_key_ended"
    title = "The API key that set the subscription up is revoked or expired"


class MailboxSubscribed(Conflict):
    code = "mailbox_subscribed"
    title = "The mailbox is answered already"


class NotAnAgent(Unprocessable):
    code = "not_an_agent"
    title = "Only an agent answers by itself"

    def __init__(self) -> None:
        wrong = FieldError("/body/address", self.code, "is not the address of an agent")
        super().__init__("Name an agent: `agent:<id or slug>`.", errors=(wrong,))
