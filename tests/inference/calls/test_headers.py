"""What an answer's head tells of a model that is going away."""

from dataclasses import replace

from app.inference.calls.headers import farewell, shown
from app.inference.integrations.directory import Endpoint, Target

LISTED = 1_790_000_000.0
ENDPOINT = Endpoint(
    integration_id=None, kind="openai", slug="own", label="OpenAI", dialect="openai_chat",
    base_url="https://models.example/v1", provider=None, api_key="", allow_private=False,
    models=({"name": "old", "retires_at": "2027-03-31"}, {"name": "new"}), listed_at=LISTED,
)  # fmt: skip


def test_a_model_with_a_shutdown_date_has_deprecation_and_sunset():
    assert farewell(Target(ENDPOINT, "old")) == [
        (b"deprecation", b"@1790000000"),
        (b"sunset", b"Wed, 31 Mar 2027 00:00:00 GMT"),
    ]
    assert farewell(Target(ENDPOINT, "new")) == []
    assert farewell(Target(ENDPOINT, "unheard-of")) == []


def test_a_newer_listing_counts():
    later = replace(ENDPOINT, listed_at=LISTED + 60, models=({"name": "old"},))
    assert farewell(Target(ENDPOINT, "old"))
    assert farewell(Target(later, "old")) == []


def test_a_name_of_any_kind_stands_in_a_header():
    assert shown("own/mödel\r\n") == b"own/m\\xf6del  "
    assert shown("a\x00b\x1b\x7fc\t") == b"a b  c "
