"""Values that are hidden from a pattern and not from a model."""

import pytest

from app.inference.guardrails.errors import GuardrailRefused
from app.inference.guardrails.unseen import Folded, folded
from tests.inference.guardrails.policies import asking, guard_of, said

MASK = {"kind": "personal_data", "action": "mask", "entities": ["EMAIL"]}
REFUSE = {"kind": "secrets", "action": "refuse"}
SECRET = "sk-proj-" + "aB3" * 12
WIDE = str.maketrans({letter: chr(ord(letter) + 0xFEE0) for letter in SECRET})


@pytest.mark.parametrize("unseen", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\U000e0041"])
async def test_a_value_with_unseen_letters_is_masked_whole(unseen):
    hidden = f"ann{unseen}@exam{unseen}ple.com"
    request = await guard_of(MASK).check_request(asking(f"Wörd: {hidden}!"))
    assert said(request) == "Wörd: [EMAIL_1]!"


@pytest.mark.parametrize("hidden", ["\u200b".join(SECRET), SECRET.translate(WIDE)])
async def test_a_secret_in_other_letters_is_refused(hidden):
    with pytest.raises(GuardrailRefused):
        await guard_of(REFUSE).check_request(asking(f"Use {hidden}"))


@pytest.mark.parametrize("text", ["plain", "grüße 🌍"])
def test_what_hides_nothing_is_left_as_it_is(text):
    assert folded(text) == Folded(text, text, len(text))
