"""Errors about invitations."""

from app.core.errors import Gone, NotFound, PermissionDenied, TooManyRequests


class InvitationNotFound(NotFound):
    code = "invitation_not_found"
    title = "No such invitation"


class InvitationEnded(Gone):
    code = "invitation_ended"
    title = "The invitation is no longer good"


class InvitationForAnother(PermissionDenied):
    code = "invitation_for_another"
    title = "The invitation is for another e-mail address"


class ResentTooSoon(TooManyRequests):
    code = "invitation_sent_just_now"
    title = "The invitation was sent a moment ago"


class TooManyInvitations(TooManyRequests):
    """Within a day a workspace mails so many invitations, and so many to one address."""

    code = "too_many_invitations"
    title = "The workspace has mailed too many invitations"
