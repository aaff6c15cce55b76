"""How deep JSON may be."""

import orjson
import pytest

from app.core.json_limits import MAX_DEPTH, too_deep

# So many objects that nobody can tell by their number that it is shallow.
ASIDE = "".join(f'"w{n}":{{"x":[]}},' for n in range(MAX_DEPTH))


@pytest.mark.parametrize(
    ("leaf", "own"), [("1", 1), ("{}", 1), ('{"a":[]}', 2), ("[[],1]", 2), ('{"a":1}', 2)]
)
def test_values_count_to_their_innermost_level(leaf, own):
    for levels, place in ((MAX_DEPTH - own - 1, None), (MAX_DEPTH - own, ("deep",))):
        body = f'{{{ASIDE}"deep":{"[" * levels}{leaf}{"]" * levels}}}'.encode()
        assert too_deep(body, orjson.loads(body)) == place
