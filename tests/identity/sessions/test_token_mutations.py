"""Access tokens, mutated: of every part and by every trick, none is taken."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import httpx2
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.clock import now
from app.core.errors import Unauthenticated
from app.identity.sessions import tokens
from tests.support.authenticator import b64, raw
from tests.support.identity import new_person

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FORMATS = {
    "pem": (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    "der": (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    "point": (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
    "compressed": (serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def token(address):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return (await new_person(http)).access_token


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def check(kernel, token):
    """Whether a token is taken; the untouched one is."""

    async def taken(text):
        try:
            await kernel.resolver.resolve(text, None)
        except Unauthenticated:
            return False
        return True

    assert await taken(token)
    return taken


@pytest_asyncio.fixture(loop_scope="session")
async def private_key(kernel):
    """Our own signing key, to sign what we never would."""
    signer = await kernel.resolver.signing_keys.signer()
    return signer.private.prepared_key


def segments(token):
    header, claims, _ = token.split(".")
    return json.loads(raw(header)), json.loads(raw(claims))


def segment(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return b64(text.encode())


def es256(key, header, claims, digest=None):
    signed = f"{segment(header)}.{segment(claims)}"
    der = key.sign(signed.encode(), ec.ECDSA(digest or hashes.SHA256()))
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(der)
    if isinstance(key.curve, ec.SECP256R1):
        s = min(s, ORDER - s)
    return f"{signed}.{b64(r.to_bytes(size, 'big') + s.to_bytes(size, 'big'))}"


async def test_what_we_sign_ourselves_is_taken_so_these_tests_can_fail(token, check, private_key):
    assert await check(es256(private_key, *segments(token)))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_the_public_key_is_no_shared_secret(token, check, private_key, kind, algorithm):
    header, claims = segments(token)
    secret = private_key.public_key().public_bytes(*FORMATS[kind])
    signed = f"{segment(header | {'alg': algorithm})}.{segment(claims)}"
    for key in (secret, secret.strip(), b""):
        digest = getattr(hashlib, f"sha{algorithm[2:]}")
        assert not await check(f"{signed}.{b64(hmac.new(key, signed.encode(), digest).digest())}")


@pytest.mark.parametrize(
    "algorithm",
    ["none", "None", "NONE", "nOnE", "", None, 0, [], ["ES256"], {"ES256": 1}, "es256", "ES256 "],
)
async def test_no_algorithm_but_our_own_by_name(token, check, private_key, algorithm):
    header, claims = segments(token)
    forged = es256(private_key, header | {"alg": algorithm}, claims)
    signed, _, signature = forged.rpartition(".")
    for ending in (signature, "", "AA", "A" * 86):
        assert not await check(f"{signed}.{ending}")


async def test_other_curves_digests_and_kinds_of_key_are_refused(token, check, private_key):
    header, claims = segments(token)
    p384 = ec.generate_private_key(ec.SECP384R1())
    k256 = ec.generate_private_key(ec.SECP256K1())
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for algorithm in ("ES256", "ES384"):
        named = header | {"alg": algorithm}
        assert not await check(es256(p384, named, claims, hashes.SHA384()))
        assert not await check(es256(k256, named, claims))
        assert not await check(es256(private_key, named, claims, hashes.SHA384()))
    for algorithm in ("RS256", "PS256", "ES256"):
        signed = f"{segment(header | {'alg': algorithm})}.{segment(claims)}"
        signature = rsa_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        assert not await check(f"{signed}.{b64(signature)}")


KIDS = [
    "", "0", None, 5, [], {}, True, "0026c3cb-c773-4810-8584-faa5aea556ab", "../../../dev/null",
    "/etc/passwd", "file:///dev/null", "' or 1=1 --", "https://evil.example/jwks.json",
    "x" * 400, "\x00",
]  # fmt: skip


@pytest.mark.parametrize("kid", KIDS)
async def test_an_unknown_key_id_is_refused_whoever_signed(token, check, private_key, kid):
    header, claims = segments(token)
    other = ec.generate_private_key(ec.SECP256R1())
    for key in (private_key, other):
        assert not await check(es256(key, header | {"kid": kid}, claims))
    without = {name: value for name, value in header.items() if name != "kid"}
    assert not await check(es256(private_key, without, claims))


async def test_a_key_that_the_token_brings_along_is_not_used(token, check):
    header, claims = segments(token)
    other = ec.generate_private_key(ec.SECP256R1())
    point = other.public_key().public_numbers()
    jwk = {
        "kty": "EC", "crv": "P-256", "kid": header["kid"],
        "x": b64(point.x.to_bytes(32, "big")), "y": b64(point.y.to_bytes(32, "big")),
    }  # fmt: skip
    for more in (
        {"jwk": jwk},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
    ):
        assert not await check(es256(other, header | more, claims))


def changed(**values):
    return lambda claims: claims | values


def without(name):
    return lambda claims: {key: value for key, value in claims.items() if key != name}


DAY = 86_400
OTHER = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"
CLAIMS = {
    **{f"no {name}": without(name) for name in ("iss", "aud", "sub", "sid", "jti", "iat", "exp")},
    **{
        f"{name} {value!r}": changed(**{name: value})
        for name in ("iss", "aud", "sub", "sid", "exp")
        for value in (None, "", [], {}, True, "x", ["luminous-api", "x"], -1, 1e308)
        if (name, value) != ("exp", 1e308)
    },
    "audience of another service": changed(aud="luminous-api2"),
    "audience as a part": changed(aud="luminous"),
    "issuer with a slash": changed(iss="luminous/"),
    "another user": changed(sub=OTHER),
    "another session": changed(sid=OTHER),
    "user and session exchanged": lambda c: c | {"sub": c["sid"], "sid": c["sub"]},
    "expired a second ago": lambda c: c | {"exp": int(now().timestamp()) - 1},
    "expired yesterday": lambda c: c | {"exp": c["exp"] - DAY, "iat": c["iat"] - DAY},
    "not before tomorrow": lambda c: c | {"nbf": c["iat"] + DAY},
    "not before never": changed(nbf="never"),
    "jti of another type": changed(jti=5),
    "issued tomorrow": lambda c: c | {"iat": c["iat"] + DAY},
    "iat of another type": changed(iat="now"),
}  # fmt: skip


@pytest.mark.parametrize("name", CLAIMS)
async def test_our_own_signature_over_other_claims_is_refused(token, check, private_key, name):
    header, claims = segments(token)
    assert not await check(es256(private_key, header, CLAIMS[name](claims)))


async def test_claims_that_are_no_object_are_refused(token, check, private_key):
    header, _ = segments(token)
    for claims in ([], "null", "5", "", "{", '"text"', "[[[[", '{"sub": NaN}'):
        assert not await check(es256(private_key, header, claims))


async def test_a_token_ends_by_our_own_clock(kernel, token, check):
    _, claims = segments(token)
    old = await tokens.sign(
        kernel.resolver.signing_keys,
        kernel.settings,
        tokens.Claims(claims["sub"], claims["sid"]),
        at=now() - timedelta(minutes=10, seconds=1),
    )
    assert not await check(old)


async def test_every_token_of_ours_has_the_lower_signature(kernel, token, check):
    _, claims = segments(token)
    ours = tokens.Claims(claims["sub"], claims["sid"])
    for _ in range(20):
        assert await check(await tokens.sign(kernel.resolver.signing_keys, kernel.settings, ours))


async def test_the_twin_of_a_signature_is_refused(token, check):
    """ECDSA is malleable: (r, n - s) is valid too, and would be another spelling of the token."""
    signed, _, signature = token.rpartition(".")
    r, s = (int.from_bytes(raw(signature)[at : at + 32], "big") for at in (0, 32))
    twin = r.to_bytes(32, "big") + (ORDER - s).to_bytes(32, "big")
    assert not await check(f"{signed}.{b64(twin)}")


@pytest.mark.parametrize("pair", [(0, 0), (0, 1), (1, 0), (ORDER, 1), (1, ORDER), (1, 1)])
async def test_degenerate_signatures_are_refused(token, check, pair):
    signed = token.rpartition(".")[0]
    signature = b"".join((n % 2**256).to_bytes(32, "big") for n in pair)
    assert not await check(f"{signed}.{b64(signature)}")
    r, s = pair
    der = encode_dss_signature(r, s)
    assert not await check(f"{signed}.{b64(der)}")


async def test_every_byte_of_a_signature_counts(token, check):
    signed, _, signature = token.rpartition(".")
    whole = raw(signature)
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << (place % 8)
        assert not await check(f"{signed}.{b64(bytes(flipped))}"), place
    for cut in (0, 1, 31, 32, 63):
        assert not await check(f"{signed}.{b64(whole[:cut])}")
    for longer in (whole + b"\0", b"\0" + whole, whole + whole):
        assert not await check(f"{signed}.{b64(longer)}")


@given(data=st.data())
@settings(max_examples=300, deadline=None)
async def test_no_flip_of_bits_in_any_part_is_taken(check, token, data):
    part = data.draw(st.integers(0, 2))
    parts = token.split(".")
    body = bytearray(raw(parts[part]))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parts[part] = b64(bytes(body))
    mutated = ".".join(parts)
    if mutated != token:
        assert not await check(mutated)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
async def test_no_edit_of_the_text_is_taken(check, token, data):
    at = data.draw(st.integers(0, len(token)))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=3))
    mutated = token[:at] + put + token[at + cut :]
    if mutated != token:
        assert not await check(mutated)


async def test_other_spellings_of_the_same_token_are_refused(token, check):
    header, claims, signature = token.split(".")
    standard = base64.b64encode(raw(signature)).decode()
    for spelling in (
        f"{header}=.{claims}.{signature}",
        f"{header}.{claims}.{signature}==",
        f" {token}",
        f"{token} ",
        f"{token}\n",
        f"{header}.{claims}.{standard}",
        f"{header}.{claims}..{signature}",
        f"{token}.",
        f"{header}.{claims}",
        token.upper(),
        token.encode("utf-16").decode("latin-1"),
    ):
        assert not await check(spelling), spelling
