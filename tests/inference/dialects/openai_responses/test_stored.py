"""Ids of stored responses: good for their owner, and for nobody else."""

from dataclasses import replace
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.dialects.errors import ResponseNotFound
from app.inference.dialects.openai_responses import OpenAIResponses
from app.inference.dialects.openai_responses.stored import Owner, opened

OWNER = Owner(b"k" * 32, UUID(int=1), UUID(int=2))
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,90}", fullmatch=True)
CUSTOMERS = st.none() | st.text(min_size=1, max_size=20)


@given(NAMES, CUSTOMERS)
def test_an_id_opens_for_its_owner_and_seals_to_the_same(name, customer):
    owner = replace(OWNER, customer=customer)
    given_out = owner.seal(name)
    assert len(given_out) <= 200
    assert owner.unseal(given_out).name == name
    # Who names no customer may look, and reads the same id.
    kept = OWNER.unseal(given_out)
    assert OWNER.seal(kept.name, kept.customer) == given_out


@given(NAMES, CUSTOMERS, CUSTOMERS)
def test_one_made_for_a_customer_is_not_another_ones(name, made_for, asks):
    given_out = replace(OWNER, customer=made_for).seal(name)
    opened = replace(OWNER, customer=asks).unseal(given_out)
    assert (opened is not None) == (asks in (None, made_for))


@pytest.mark.parametrize(
    "other",
    [
        replace(OWNER, workspace_id=UUID(int=3)),
        replace(OWNER, user_id=UUID(int=3)),
        replace(OWNER, key=b"x" * 32),
    ],
)
def test_it_is_nobody_elses(other):
    assert other.unseal(OWNER.seal("resp_1")) is None


@given(NAMES, st.data())
def test_a_changed_one_opens_for_nobody(name, data):
    given_out = OWNER.seal(name)
    at = data.draw(st.integers(0, len(given_out) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda each: each != given_out[at]))
    assert OWNER.unseal(given_out[:at] + other + given_out[at + 1 :]) is None
    assert OWNER.unseal(given_out[:at]) is None


def test_nothing_is_sent_of_a_request_that_nobody_has_opened():
    """Whoever asks on behalf of a client, a batch too, must have looked whose response it is."""
    dialect = OpenAIResponses()

    def asked(name):
        body = {"model": "m", "input": "Hi", "previous_response_id": name}
        return dialect.read(orjson.dumps(body))

    for name in ("resp_1", OWNER.seal("resp_1"), {"id": "resp_1"}):
        with pytest.raises(ResponseNotFound):
            dialect.upstream_body(asked(name), "m")
    sent = dialect.upstream_body(opened(asked(OWNER.seal("resp_1")), OWNER), "m")
    assert orjson.loads(sent)["previous_response_id"] == "resp_1"
