"""Access tokens: what is refused, change by change."""

import base64
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from jose import jwt
from jose.backends import ECKey
from jose.backends.cryptography_backend import CryptographyECKey

from app.core.clock import now
from app.identity.sessions import tokens
from app.identity.sessions.errors import TokenInvalid
from tests.support.identity import bearer, new_key, new_person


def segment(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(p + "==")) for p in token.split(".")[:2]]


async def code_of(client, token, **headers):
    answer = await client.get("/v1/me", headers=bearer(token) | headers)
    return answer.status_code, answer.json().get("code")


async def signed(kernel, claims, **header):
    signer = await kernel.resolver.signing_keys.signer()
    return tokens.with_low_s(
        jwt.encode(claims, signer.private, algorithm="ES256", headers={"kid": signer.kid, **header})
    )


def test_jose_uses_cryptography_and_not_the_ecdsa_package():
    assert ECKey is CryptographyECKey


async def test_a_token_says_what_the_contract_says(client, kernel):
    person = await new_person(client)
    header, claims = parts(person.access_token)
    assert header["alg"] == "ES256"
    published = (await client.get("/.well-known/jwks.json")).json()["keys"]
    assert header["kid"] in {k["kid"] for k in published}
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp"}
    assert claims["sub"] == person.user_id
    assert claims["exp"] - claims["iat"] == 600
    assert (claims["iss"], claims["aud"]) == ("luminous", "luminous-api")


async def test_anyone_can_check_a_token_with_the_published_keys(client):
    person = await new_person(client)
    published = (await client.get("/.well-known/jwks.json")).json()
    claims = jwt.decode(
        person.access_token, published, algorithms=["ES256"], audience="luminous-api"
    )
    assert claims["sub"] == person.user_id
    assert not any("d" in key for key in published["keys"])


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"aud": ["luminous-api", 5]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"sub": str(uuid4())},
        {"sub": "nobody"},
        {"sub": 5},
        {"sid": str(uuid4())},
        {"sid": "x"},
        {"sid": 5},
        {"sid": None},
        {"exp": "soon"},
        {"jti": 5},
        {"iat": "x"},
        {"nbf": 99999999999},
    ],
)
async def test_a_signed_token_with_another_claim_is_refused(client, kernel, change):
    person = await new_person(client)
    _, claims = parts(person.access_token)
    assert await code_of(client, await signed(kernel, claims)) == (200, None)
    assert await code_of(client, await signed(kernel, claims | change)) == (401, "token_invalid")


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "sid", "jti", "iat", "exp"])
async def test_a_signed_token_without_a_claim_is_refused(client, kernel, missing):
    person = await new_person(client)
    _, claims = parts(person.access_token)
    del claims[missing]
    assert await code_of(client, await signed(kernel, claims)) == (401, "token_invalid")


async def test_an_expired_token_says_so(client, kernel):
    person = await new_person(client)
    _, claims = parts(person.access_token)
    old = await tokens.sign(
        kernel.resolver.signing_keys,
        kernel.settings,
        tokens.Claims(UUID(claims["sub"]), UUID(claims["sid"])),
        at=now() - timedelta(minutes=11),
    )
    assert await code_of(client, old) == (401, "token_expired")


async def test_the_algorithm_cannot_be_chosen(client, kernel):
    person = await new_person(client)
    header, _ = parts(person.access_token)
    payload, signature = person.access_token.split(".")[1:]
    for none in ("none", "None", "", None, "ES384", "HS256", ["ES256"]):
        forged = segment(header | {"alg": none})
        for ending in (signature, "", "A" * 86):
            got = await code_of(client, f"{forged}.{payload}.{ending}")
            assert got == (401, "token_invalid"), none


async def test_the_public_key_is_no_shared_secret(client, kernel):
    person = await new_person(client)
    header, claims = parts(person.access_token)
    key = await kernel.resolver.signing_keys.public(header["kid"])
    pem = key.to_pem().decode()
    der = key.prepared_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (der.hex(), json.dumps(key.to_dict()), pem.replace("-----", "")):
        forged = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": header["kid"]})
        assert await code_of(client, forged) == (401, "token_invalid")


async def test_another_key_is_refused_under_any_id(client, kernel):
    person = await new_person(client)
    header, claims = parts(person.access_token)
    other = ECKey(ec.generate_private_key(ec.SECP256R1()), "ES256")
    for kid in (header["kid"], str(uuid4()), "", "../../etc/passwd", 5, None):
        forged = jwt.encode(claims, other, algorithm="ES256", headers={"kid": kid})
        assert await code_of(client, forged) == (401, "token_invalid")
    right_key_other_id = await signed(kernel, claims, kid=str(uuid4()))
    assert await code_of(client, right_key_other_id) == (401, "token_invalid")
    with_own_key = jwt.encode(
        claims,
        other,
        algorithm="ES256",
        headers={"kid": header["kid"], "jwk": other.public_key().to_dict()},
    )
    assert await code_of(client, with_own_key) == (401, "token_invalid")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b." + "c" * 86,
        "e30.e30." + "A" * 86,
        "W10.W10." + "A" * 86,
        "x" * 5000,
        "lum_live",
        "\xff\xfe",
    ],
)
async def test_what_is_no_token_is_refused(client, token):
    headers = {"Authorization": b"Bearer " + token.encode("latin-1")}
    answer = await client.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


@pytest.mark.parametrize("header", ["", "Bearer", "Basic eDp5", "bearer"])
async def test_no_credential_is_told_so(client, header):
    answer = await client.get("/v1/me", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "credential_missing")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_every_change_of_a_character_is_refused(client, kernel):
    person = await new_person(client)
    token = person.access_token
    keys = kernel.resolver.signing_keys
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = len(token) - 1
    for place, letters in [(last, alphabet), *((i, "A_") for i in range(0, last, 7))]:
        for letter in letters:
            changed = token[:place] + letter + token[place + 1 :]
            if changed != token:
                with pytest.raises(TokenInvalid):
                    await tokens.verify(keys, kernel.settings, changed)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
@settings(max_examples=200, deadline=None)
async def test_any_text_is_refused_and_no_crash(kernel, text):
    with pytest.raises(TokenInvalid):
        await tokens.verify(kernel.resolver.signing_keys, kernel.settings, text)


async def test_a_token_chooses_among_the_persons_workspaces_alone(client):
    person, stranger = await new_person(client), await new_person(client)
    made = await client.post("/v1/workspaces", json={"name": "Team"}, headers=person.headers)
    own = {"X-Workspace-Id": made.json()["id"]}
    me = (await client.get("/v1/me", headers=person.headers | own)).json()
    assert me["workspace"]["name"] == "Team"
    for foreign in (stranger.workspace_id, str(uuid4())):
        got = await code_of(client, person.access_token, **{"X-Workspace-Id": foreign})
        assert got == (404, "workspace_not_found")
    bad = await code_of(client, person.access_token, **{"X-Workspace-Id": "mine"})
    assert bad == (400, "bad_request")


async def test_a_key_is_not_a_token_of_its_user(client):
    person = await new_person(client)
    key = await new_key(client, person)
    assert await code_of(client, key["key"] + "." + person.access_token) == (401, "api_key_invalid")
