"""The policies of a request, and how they are told, as they are kept with the caller."""

from dataclasses import replace
from uuid import uuid4

import pytest

from app.core.admission import MOST_ADDRESSES, POLICIES, Admission
from app.core.auth import Access
from app.core.config import Settings
from app.core.http.rate_limits import MOST_WORDINGS, WORDINGS, Wording, wording_of
from app.core.limits import Limit, Policy, Verdict


@pytest.fixture
def admission():
    return Admission(Settings(_env_file=None), None)


@pytest.fixture
def access():
    return Access(
        uuid4(), uuid4(), frozenset(), "api_key", uuid4(), limits=(Limit("key-60s", 5, 60),)
    )


def subjects(policies):
    return {policy.subject for policy in policies}


def test_a_caller_at_one_address_has_the_same_policies(admission, access):
    here = admission.policies("192.0.2.1", access)
    assert admission.policies("192.0.2.1", access) is here
    assert subjects(here) == {
        "address:192.0.2.1",
        f"user:{access.user_id}",
        f"workspace:{access.workspace_id}",
        f"key:{access.credential_id}",
    }


def test_another_address_another_caller_and_another_limit_have_others(admission, access):
    here = admission.policies("192.0.2.1", access)
    assert "address:192.0.2.2" in subjects(admission.policies("192.0.2.2", access))
    other = replace(access, workspace_id=uuid4())
    assert f"workspace:{access.workspace_id}" not in subjects(
        admission.policies("192.0.2.1", other)
    )
    tighter = admission.policies("192.0.2.1", replace(access, limits=(Limit("key-60s", 1, 60),)))
    assert (here[-1].limit.requests, tighter[-1].limit.requests) == (5, 1)


def test_a_sensitive_route_is_counted_for_itself(admission, access):
    admission.policies("192.0.2.1", access)
    sensitive = admission.policies("192.0.2.1", access, sensitive_route="/v1/login")
    assert "address:192.0.2.1:/v1/login" in subjects(sensitive)
    assert "address:192.0.2.1:/v1/login" not in subjects(admission.policies("192.0.2.1", access))


def test_addresses_that_are_kept_of_a_caller_are_bounded(admission, access):
    for n in range(3 * MOST_ADDRESSES):
        admission.policies(f"192.0.2.{n}", access)
    assert len(access.memo[POLICIES]) <= MOST_ADDRESSES


def test_each_verdict_is_told_by_its_own_policies(access):
    told = []
    for n in range(1, 3 * MOST_WORDINGS):
        verdict = Verdict((Policy(Limit(f"l{n}", n, 60), "a"),), (0,))
        told.append(wording_of(verdict, access).headers(verdict)[1][1])
        assert wording_of(verdict, access) is wording_of(verdict, access)
    assert told == [b'"l%d";r=%d;t=0' % (n, n) for n in range(1, 3 * MOST_WORDINGS)]
    assert len(access.memo[WORDINGS]) <= MOST_WORDINGS


def test_the_limit_that_refuses_first_is_told_to_vendors_clients():
    policies = [Policy(Limit(name, requests, 60), "a") for name, requests in (("a", 9), ("b", 5))]
    policies += [Policy(Limit("c", 7, 60), "a")]
    standing, short = (46_000_000, 60_000_000, 59_000_000), (0, 1_000_000, 9_000_000)
    assert Wording(policies).vendor_headers(Verdict(policies, standing, short)) == [
        (b"x-ratelimit-limit-requests", b"7"),
        (b"x-ratelimit-remaining-requests", b"0"),
        (b"x-ratelimit-reset-requests", b"59s"),
    ]
    assert Wording(()).headers(Verdict()) == [(b"ratelimit-policy", b""), (b"ratelimit", b"")]


def test_a_name_with_a_per_cent_sign_is_told_as_it_is():
    wording = Wording((Policy(Limit("5%d", 5, 60), "a"),))
    assert wording.headers(Verdict((), (12_000_000,))) == [
        (b"ratelimit-policy", b'"5%d";q=5;w=60'),
        (b"ratelimit", b'"5%d";r=4;t=12'),
    ]
