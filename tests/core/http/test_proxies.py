"""Where a request comes from: believed of trusted proxies, and of nobody else."""

import pytest

from app.core.http.proxies import TrustedProxies, read_address


async def seen(headers, *, peer="10.0.0.2", trusted=("10.0.0.0/8", "fd00::/8"), scheme="http"):
    """The address and the scheme that the application sees."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    client = (peer, 5000) if peer else None
    scope = {"type": "http", "client": client, "scheme": scheme, "headers": raw}
    TrustedProxies(trusted).correct(scope)
    return scope["client"][0] if scope["client"] else "", scope["scheme"]


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
        ([("x-forwarded-for", "203.0.113.7:4711")], "203.0.113.7"),
        ([("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
        ([("x-forwarded-for", "[2001:db8::1]:443")], "2001:db8::1"),
        ([("x-forwarded-for", "::ffff:203.0.113.7")], "203.0.113.7"),
        ([("x-forwarded-for", "203.0.113.7, 10.9.9.9, fd00::5")], "203.0.113.7"),
        ([("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "10.9.9.9")], "203.0.113.7"),
        ([("x-forwarded-for", "10.1.1.1, 10.2.2.2")], "10.1.1.1"),
        ([("forwarded", "for=203.0.113.7;proto=https;by=10.0.0.2")], "203.0.113.7"),
        ([("forwarded", 'For="[2001:db8::1]:443"')], "2001:db8::1"),
        ([("forwarded", "for=203.0.113.7, for=10.9.9.9")], "203.0.113.7"),
        ([("forwarded", "for=203.0.113.7"), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
    ],
)
async def test_a_trusted_proxy_is_believed(headers, client):
    assert (await seen(headers))[0] == client


@pytest.mark.parametrize("claimed", ["1.2.3.4", "10.0.0.1", "127.0.0.1", "1.2.3.4, 10.9.9.9"])
async def test_what_a_client_claims_of_itself_is_left_of_what_the_proxy_saw(claimed):
    headers = [("x-forwarded-for", f"{claimed}, 203.0.113.7")]
    assert (await seen(headers))[0] == "203.0.113.7"


@pytest.mark.parametrize("forged", ["for=1.2.3.4", "nonsense", "for=unknown"])
async def test_a_client_cannot_choose_the_header_that_counts(forged):
    headers = [("forwarded", forged), ("x-forwarded-for", "203.0.113.7")]
    assert (await seen(headers))[0] == "10.0.0.2"


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded"])
@pytest.mark.parametrize("peer", ["203.0.113.50", "11.0.0.1", "2001:db8::9", "127.0.0.1"])
async def test_others_are_not_believed(name, peer):
    value = "for=1.2.3.4;proto=https" if name == "forwarded" else "1.2.3.4"
    headers = [(name, value), ("x-forwarded-proto", "https")]
    assert await seen(headers, peer=peer) == (peer, "http")


async def test_without_a_list_nobody_is_believed():
    headers = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")]
    assert await seen(headers, peer="127.0.0.1", trusted=()) == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    "garbage",
    ["", "unknown", "_hidden", "1.2.3", "999.1.1.1", "<script>", "a:b:c", "[::1", "1.2.3.4;5", "é"],
)
@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded"])
async def test_garbage_ends_the_way_at_the_last_hop_that_can_be_read(name, garbage):
    said = "for={}".format if name == "forwarded" else "{}".format
    assert (await seen([(name, said(garbage))]))[0] in {"10.0.0.2", "::1"}
    both = [(name, f"{said(garbage)}, {said('10.7.7.7')}")]
    assert (await seen(both))[0] in {"10.7.7.7", "::1"}


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        ([("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "https")], "https"),
        ([("x-forwarded-for", "203.0.113.7, 10.1.1.1"), ("x-forwarded-proto", "https")], "https"),
        (
            [("x-forwarded-for", "203.0.113.7, 10.1.1.1"), ("x-forwarded-proto", "https, http")],
            "https",
        ),
        (
            [("x-forwarded-for", "6.6.6.6, 203.0.113.7"), ("x-forwarded-proto", "https, http")],
            "http",
        ),
        ([("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "gopher")], "http"),
        ([("forwarded", "for=203.0.113.7;proto=HTTPS")], "https"),
    ],
)
async def test_the_scheme_is_that_of_the_client(headers, scheme):
    assert (await seen(headers))[1] == scheme


async def test_a_unix_socket_is_trusted_where_it_is_listed():
    headers = [("x-forwarded-for", "203.0.113.7")]
    assert (await seen(headers, peer="", trusted=("unix",)))[0] == "203.0.113.7"
    assert (await seen(headers, peer="", trusted=("10.0.0.0/8",)))[0] == ""


async def test_a_long_way_is_read_from_its_end():
    way = ", ".join(["203.0.113.7"] + ["10.1.1.1"] * 5000)
    assert (await seen([("x-forwarded-for", way)]))[0] == "10.1.1.1"


@pytest.mark.parametrize("text", ["10.0.0.1:80:80", "localhost", "10.0.0.1/8", " ", "0x7f000001"])
def test_what_is_no_address_is_none(text):
    assert read_address(text) is None
