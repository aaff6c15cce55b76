"""The form of a key."""

import re

from hypothesis import given
from hypothesis import strategies as st

from app.core.log import HIDDEN, hide_secrets
from app.identity.api_keys import secret


def test_a_key_has_the_form_of_the_contract():
    made = {secret.make() for _ in range(100)}
    assert len(made) == 100
    for key in made:
        assert re.fullmatch(r"lum_live_[0-9A-Za-z]{36}", key)
        assert secret.well_formed(key)


@given(st.integers(9, 44), st.sampled_from("0123456789ABCXYZabcxyz"))
def test_one_wrong_character_is_noticed(place, letter):
    key = secret.make()
    typed = key[:place] + letter + key[place + 1 :]
    assert secret.well_formed(typed) == (typed == key)


@given(st.text(max_size=60))
def test_other_text_is_no_key(text):
    assert not secret.well_formed(text)
    assert not secret.well_formed(secret.PREFIX + text)
    assert not secret.well_formed(secret.make() + "\n")


def test_a_key_never_reaches_a_log():
    key = secret.make()
    assert hide_secrets(f"used {key} today") == f"used {HIDDEN} today"
