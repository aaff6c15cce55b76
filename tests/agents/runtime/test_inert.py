"""No rendering of what an agent says fetches or links to anywhere that the policy does not name."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.agents.definitions.definition import OutputGuard
from app.agents.runtime.inert import InertText

INERT = OutputGuard()
MARKDOWN = MarkdownIt("commonmark", {"html": True})
PIECES = (
    "![", "](", ")", "[", "]", "]:", "][", "(", "<", ">", "`", "``", "```", "~~~", "\n", "\n\n",
    "//evil.test/x", "https://evil.test/?q=1", "http://", "www.evil.test", "<img src=//evil.test>",
    "<https://evil.test>", " ", "  ", "    ", "- ", "> ", "text", "\\", "!", '"t"', "'t'", "&#58;",
    "<a href=https://evil.test>", "</a>", "<!--", "-->", "javascript:alert(1)", "[a]: //evil.test",
    "![a]", "[a]", "*", "_", "http", "https:", "x",
)  # fmt: skip


def _inert(text, policy=INERT, cuts=()):
    reader = InertText(policy)
    shown, last = [], 0
    for cut in sorted({*cuts, len(text)}):
        shown.append(reader.feed(text[last:cut]))
        last = cut
    return "".join(shown) + reader.finish()


def _leads_out(html):
    return re.findall(r"<(?:img|a|iframe|script|link|object|form)\b[^>]*>", html)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        (
            "a ![cat](https://evil.test/c.png?k=1) b",
            "a cat (image: `https://evil.test/c.png?k=1`) b",
        ),
        ("see [here](https://evil.test)", "see here (`https://evil.test`)"),
        ("see https://evil.test/a, then", "see `https://evil.test/a`, then"),
        ("<https://evil.test>", "`https://evil.test`"),
        ("`![a](https://evil.test)`", "`![a](https://evil.test)`"),
        ("```md\n![a](https://evil.test)\n```\nx", "```md\n![a](https://evil.test)\n```\nx"),
        ("a[0](1)", "a0 (`1`)"),
        ("2 < 3 and x[1] = 4!", "2 < 3 and x[1] = 4!"),
        ("[![a](//evil.test/i)](//evil.test/l)", "a (image: `//evil.test/i`) (`//evil.test/l`)"),
        ("<img src=x>", "\\<img src=x>"),
    ],
)
def test_what_becomes_of_it(text, shown):
    assert _inert(text) == shown


def test_named_hosts_stay_and_look_alikes_do_not():
    policy = OutputGuard(domains=["good.test"])
    for kept in ("[a](https://good.test/x)", "![a](https://cdn.good.test/x.png)"):
        assert _inert(kept, policy) == kept
    for other in (
        "https://good.test@evil.test",
        "https://good.test.evil.test",
        "https://notgood.test",
    ):
        assert "`" in _inert(f"[a]({other})", policy)


def test_what_is_allowed_stays():
    text = "![a](https://x.test) [b](https://y.test) https://z.test <b>"
    assert _inert(text, OutputGuard(links="allow", images="allow")) == text
    only_images = _inert(text, OutputGuard(links="allow"))
    assert "[b](https://y.test) https://z.test" in only_images
    assert "![a]" not in only_images


def test_plain_words_are_not_held_back():
    reader = InertText(INERT)
    assert reader.feed("Hello, ") == "Hello, "
    assert reader.feed("wor") == "wor"
    assert reader.feed(" ht") == " "
    assert reader.feed("e end") == "hte end"


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
@example("``https://evil.test/?q=1`<a href=https://evil.test>`")
@settings(max_examples=400, deadline=None)
def test_nothing_leads_out_whatever_is_put_together(text):
    html = MARKDOWN.render(_inert(text))
    assert _leads_out(html) == [], (text, _inert(text), html)


@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.integers(0, 80), max_size=8),
)
@example("[a]: //evil.testhttps://evil.test/?q=1", [16])
@settings(max_examples=400, deadline=None)
def test_it_is_the_same_however_it_is_cut(text, cuts):
    assert _inert(text, cuts=[cut for cut in cuts if cut < len(text)]) == _inert(text)
