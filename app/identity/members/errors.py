"""Errors about members."""

from app.core.errors import Conflict, NotFound, PermissionDenied


class MemberNotFound(NotFound):
    code = "member_not_found"
    title = "No such member"


class MemberAboveOwn(PermissionDenied):
    code = "member_above_own"
    title = "This member may do more than you"


class AlreadyMember(Conflict):
    code = "already_member"
    title = "Already a member of this workspace"


class ServiceAccountMember(Conflict):
    code = "service_account_member"
    title = "This member is a service account"
