from ipaddress import ip_address

import pytest

from app.core.config import Settings
from app.core.net import AddressPolicy, AddressRefused, is_public_address
from app.inference.providers.transport import Transport

PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_off_the_public_internet_is_told(address):
    assert not is_public_address(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_told(address):
    assert is_public_address(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]:8000/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[fe80::1%25eth0]/",
        "http://[::1",
        "http://example.com:99999/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http:///nothing",
        "http://user:secret@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://127.0.0.1#@example.com/",
        "http://127.0.0.1\\.example.com/",
        "//127.0.0.1/",
        "",
    ],
)
async def test_a_url_is_refused_before_anything_is_sent(transport, url):
    with pytest.raises(AddressRefused):
        await transport.open("GET", url, headers={})


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[fe80::1]/", "http://0.0.0.0/"])
async def test_link_local_is_refused_even_where_private_is_allowed(transport, url):
    with pytest.raises(AddressRefused):
        await transport.open("GET", url, headers={}, allow_private=True)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST"])
async def test_a_name_that_resolves_to_a_private_address_is_refused(transport, openai_fake, name):
    url = f"http://{name}:{openai_fake.port}/v1/models"
    with pytest.raises(AddressRefused):
        await transport.open("GET", url, headers={})
    assert openai_fake.requests == []


async def test_a_connection_of_an_allowed_caller_is_not_lent_to_another(transport, openai_fake):
    url = f"http://localhost:{openai_fake.port}/v1/models"
    exchange = await transport.open("GET", url, headers={}, allow_private=True)
    await exchange.read_body()
    with pytest.raises(AddressRefused):
        await transport.open("GET", url, headers={})


@pytest.mark.parametrize("allowed", ["localhost", "127.0.0.0/8, ::1"])
async def test_an_operator_can_allow_a_host_or_a_network(openai_fake, allowed):
    settings = Settings(_env_file=None, outbound_allow=allowed)
    async with Transport(settings) as transport:
        url = f"http://localhost:{openai_fake.port}/v1/models"
        exchange = await transport.open("GET", url, headers={})
        assert exchange.status == 401
        exchange.close()


async def test_the_address_that_was_checked_is_the_one_connected_to(
    transport, openai_fake, monkeypatch
):
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    asked = []

    async def rebinding(host):
        asked.append(host)
        return answers[len(asked) - 1]

    connected = []

    async def connect(factory, address, port, tls, server_name):
        connected.append(address)
        raise OSError("stop here")

    monkeypatch.setattr("app.inference.providers.transport.resolving.look_up", rebinding)
    monkeypatch.setattr("app.inference.providers.transport.client.connect", connect)
    with pytest.raises(Exception, match="refused"):
        await transport.open("GET", "http://rebind.example/", headers={})
    assert connected == ["93.184.216.34"]
    assert asked == ["rebind.example"]


def test_one_private_address_among_public_ones_refuses_the_name():
    with pytest.raises(AddressRefused):
        AddressPolicy().check("mixed.example", ["1.1.1.1", "10.0.0.1"])
