"""The dialect: which resources we serve, how tolerantly they are read, how they are shown."""

from typing import Any
from uuid import UUID

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    EnterpriseUser,
    ETag,
    Filter,
    Group,
    GroupMember,
    GroupMembership,
    Meta,
    Patch,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    User,
)

from app.core.versions import etag_of
from app.identity.scim.edge import PREFIX
from app.identity.scim.models import ScimGroup, ScimUser

MOST_RESULTS = 200
Person = User[EnterpriseUser]

# As Entra ID and Okta write, beside what the RFC asks for.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[ResourceType.from_resource(Person), ResourceType.from_resource(Group)],
    policy=POLICY,
)
CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=False),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="SCIM token",
            description="`Authorization: Bearer lum_scim_…`, made at /v1/scim-tokens.",
        )
    ],
)
# What a user's row holds in columns of its own, and what is never kept.
_OWN = {"id", "meta", "groups", "userName", "externalId", "active", "password"}


def location(base_url: str, kind: str, resource_id: UUID) -> str:
    return f"{base_url}{PREFIX}/{kind}s/{resource_id}"


def fill_user(row: ScimUser, person: Any) -> None:
    """Put what a directory says of someone into their row."""
    told = person.model_dump(scim_ctx=Context.DEFAULT)
    row.user_name = person.user_name
    row.external_id = person.external_id
    row.active = person.active
    row.attributes = {name: value for name, value in told.items() if name not in _OWN}


def read_user(row: ScimUser, groups: list[tuple[UUID, str]], base_url: str) -> Any:
    """A row as the directory knows it."""
    with POLICY:
        person = Person.model_validate(
            {
                **row.attributes,
                "userName": row.user_name,
                "externalId": row.external_id,
                "active": row.active,
            }
        )
    person.id = str(row.id)
    person.meta = _meta(row, "User", base_url)
    person.groups = [
        GroupMembership(
            value=str(group_id), display=name, ref=location(base_url, "Group", group_id)
        )
        for group_id, name in groups
    ] or None
    return person


def read_group(row: ScimGroup, members: list[tuple[UUID, str]], base_url: str) -> Any:
    return Group(
        id=str(row.id),
        display_name=row.display_name,
        external_id=row.external_id,
        meta=_meta(row, "Group", base_url),
        members=[
            GroupMember(
                value=str(scim_id),
                display=name,
                type="User",
                ref=location(base_url, "User", scim_id),
            )
            for scim_id, name in members
        ]
        or None,
    )


def _meta(row: ScimUser | ScimGroup, kind: str, base_url: str) -> Meta:
    return Meta(
        resource_type=kind,
        created=row.created_at,
        last_modified=row.updated_at,
        location=location(base_url, kind, row.id),
        version=etag_of(row.version),
    )
