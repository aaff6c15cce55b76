"""Packs: the same dictionary gives the same bytes, in each vendor's form and within its budget."""

import pytest
from lxml import etree

FORBIDDEN = [
    {"language": "en", "text": "cell", "status": "preferred"},
    {"language": "en", "text": "cellule", "status": "forbidden"},
    {"language": "de-AT", "text": "Zelle", "status": "preferred"},
]


async def filled(desk, most=3):
    await desk.entry(
        terms=FORBIDDEN, status="approved",
        definitions=[{"language": "en", "text": "# Not a heading\n<b>&</b> of life."}],
    )  # fmt: skip
    for number in range(most):
        terms = [{"language": "en", "text": f"word {number}", "status": "preferred"}]
        await desk.entry(terms=terms, status="approved")
    await desk.entry(terms=[{"language": "en", "text": "draft", "status": "preferred"}])


async def pack(desk, **query):
    path = f"/v1/dictionaries/{desk.dictionary}/pack"
    answer = await desk.call("GET", path, params=query)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("vendor", "where"),
    [
        ("anthropic", lambda told: told["system"][0]["text"]),
        ("openai", lambda told: told["messages"][0]["content"]),
        ("gemini", lambda told: told["systemInstruction"]["parts"][0]["text"]),
        ("mistral", lambda told: told["messages"][0]["content"]),
        ("cohere", lambda told: told["messages"][0]["content"]),
        ("generic", lambda told: told["messages"][0]["content"]),
    ],
)
async def test_each_vendor_has_its_form(desk, vendor, where):
    await filled(desk)
    told = (await pack(desk, vendor=vendor)).json()
    assert where(told["request"]) == told["text"]
    assert (told["entries"], told["omitted"]) == (4, 0)
    assert "draft" not in told["text"]
    assert "cellule" in told["text"]
    assert "\n# Not" not in told["text"]
    if vendor == "anthropic":
        root = etree.fromstring(told["text"])
        [concept] = [each for each in root.iter("concept") if each.find("avoid") is not None]
        assert concept.find("meaning").text == "# Not a heading <b>&</b> of life."
    else:
        assert told["text"].startswith("# Terminology (en)\n")


async def test_a_pack_stays_the_same_and_is_told_by_its_tag(desk):
    await filled(desk)
    first, second = [await pack(desk, vendor="openai") for _ in range(2)]
    assert first.content == second.content
    path = f"/v1/dictionaries/{desk.dictionary}/pack?vendor=openai"
    same = await desk.call("GET", path, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await desk.entry(terms=FORBIDDEN, status="approved")
    other = await desk.call("GET", path, headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


async def test_a_pack_keeps_to_its_budget_and_keeps_what_matters_most(desk):
    await filled(desk, 40)
    told = (await pack(desk, max_tokens=200)).json()
    assert told["tokens"] <= 200
    assert len(told["text"].encode()) <= 600
    assert told["omitted"] > 0
    assert "cellule" in told["text"]
    assert told["entries"] + told["omitted"] == 41


async def test_a_pack_speaks_one_language(desk):
    await filled(desk)
    told = (await pack(desk, language="de")).json()
    assert told["entries"] == 1
    assert "Zelle" in told["text"]
    assert "cell" not in told["text"].replace("cellule", "")
