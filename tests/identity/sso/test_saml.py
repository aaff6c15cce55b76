"""Signing in by SAML, and the ways in which a response may lie."""

import base64
import re
import zlib
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from lxml import etree

from tests.support.identity import bearer, new_person
from tests.support.sso import FRONTEND, begin, fragment_of, prove_domain

pytest.importorskip("onelogin", reason="the extra `saml` is not installed")
fakes = pytest.importorskip("tests.support.fakes.saml")


@pytest.fixture(scope="module")
def idp():
    return fakes.FakeSaml()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def organisation(sso_address, name_server, idp):
    async with httpx2.AsyncClient(base_url=sso_address, timeout=20, verify=False) as http:
        owner = await new_person(http)
        settings = {
            "type": "saml",
            "entity_id": fakes.ISSUER,
            "sso_url": fakes.SSO_URL,
            "certificates": [idp.certificate],
        }
        body = {
            "name": "Example Inc.",
            "settings": settings,
            "group_roles": [{"group": "engineering", "role": "editor"}],
        }
        made = await http.post("/v1/sso-connections", json=body, headers=owner.headers)
        assert made.status_code == 201, made.text
        connection = made.json()
        return connection, await prove_domain(http, owner, connection, name_server), owner


class Visit:
    """A browser at the identity provider, with the request it brought."""

    def __init__(self, trip, connection, domain):
        self.trip = trip
        self.acs = connection["redirect_uri"]
        query = dict(parse_qsl(urlsplit(trip.authorization_url).query))
        self.state = query["RelayState"]
        request = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), -15))
        self.request = request
        email = f"{uuid4().hex}@{domain}"
        self.said = fakes.Said(
            audience=request.findtext("{*}Issuer"),
            recipient=self.acs,
            in_response_to=request.get("ID"),
            name_id=uuid4().hex,
            attributes={"email": [email], "displayName": ["Ada"], "groups": ["engineering"]},
        )

    async def post(self, response: str, cookie: str | None = None):
        return await self.trip.http.post(
            urlsplit(self.acs).path,
            content=urlencode({"SAMLResponse": response, "RelayState": self.state}),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": self.trip.cookie if cookie is None else cookie,
            },
        )


@pytest_asyncio.fixture(loop_scope="session")
async def visit(http, organisation):
    connection, domain, _ = organisation
    trip = await begin(http, connection_id=connection["id"])
    assert trip.authorization_url.startswith(fakes.SSO_URL + "?")
    return Visit(trip, connection, domain)


async def test_an_organisation_signs_in_by_saml(http, visit, idp, organisation):
    assert visit.request.get("AssertionConsumerServiceURL") == visit.acs
    found = fragment_of(await visit.post(idp.respond(visit.said)))
    assert set(found) == {"code"}, found
    body = {"code": found["code"], "verifier": visit.trip.verifier, "refresh_token_in": "body"}
    answer = await http.post("/v1/auth/sso/complete", json=body)
    assert answer.status_code == 200, answer.text
    owner = organisation[2]
    headers = {
        **bearer(answer.json()["access_token"]),
        "X-Workspace-Id": owner.workspace_id,
    }
    me = (await http.get("/v1/me", headers=headers)).json()
    assert me["user"]["email"] == visit.said.attributes["email"][0]
    assert me["user"]["name"] == "Ada"
    assert me["workspace"]["role"] == "editor"


async def test_the_cookie_survives_a_form_posted_from_elsewhere(http, organisation):
    body = {"connection_id": organisation[0]["id"], "redirect_to": FRONTEND}
    answer = await http.post("/v1/auth/sso/start", json=body)
    assert "SameSite=none" in answer.headers["set-cookie"]


async def test_the_metadata_name_this_service(http, organisation):
    connection = organisation[0]
    answer = await http.get(f"/v1/auth/sso/saml/{connection['id']}/metadata")
    assert answer.headers["content-type"].startswith("application/samlmetadata+xml")
    document = etree.fromstring(answer.content)
    assert document.get("entityID").endswith(f"/v1/auth/sso/saml/{connection['id']}/metadata")
    service = document.find(".//{*}AssertionConsumerService")
    assert service.get("Location") == connection["redirect_uri"]
    assert document.find("{*}SPSSODescriptor").get("WantAssertionsSigned") == "true"
    unknown = await http.get(f"/v1/auth/sso/saml/{uuid4()}/metadata")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "sso_not_available")


async def refused(visit, response) -> str:
    found = fragment_of(await visit.post(response))
    assert set(found) == {"error", "error_description"}, found
    return found["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"audience": "https://another.example"},
        {"recipient": "https://another.example/acs"},
        {"recipient": "SUFFIXED"},
        {"in_response_to": "_another"},
        {"issuer": "https://another.example"},
        {"destination": "https://another.example/acs"},
        {"destination": "SUFFIXED"},
        {"expires": -120},
        {"expires": 3600},
        {"signed": False},
        {"name_id": ""},
    ],
    ids=str,
)
async def test_what_is_not_for_this_sign_in_is_refused(visit, idp, wrong):
    for name, value in wrong.items():
        setattr(visit.said, name, visit.acs + "/more" if value == "SUFFIXED" else value)
    assert await refused(visit, idp.respond(visit.said)) == "sso_assertion_refused"


@pytest.mark.parametrize(
    "pattern",
    [
        r"<saml:AudienceRestriction>.*</saml:AudienceRestriction>",
        r' Recipient="[^"]*"',
        r' InResponseTo="[^"]*"',
        r"<saml:AuthnStatement.*</saml:AuthnStatement>",
        r"<saml:Conditions.*</saml:Conditions>",
    ],
)
async def test_what_must_be_there_is_missed(visit, idp, pattern):
    visit.said.before_signing = lambda text: re.sub(pattern, "", text)
    assert await refused(visit, idp.respond(visit.said)) == "sso_assertion_refused"


async def test_a_response_that_answers_no_request_is_refused(visit, idp):
    def unsolicited(text):
        head, rest = text.split(">", 1)
        return re.sub(r' InResponseTo="[^"]*"', "", head) + ">" + rest

    visit.said.after_signing = unsolicited
    assert await refused(visit, idp.respond(visit.said)) == "sso_assertion_refused"


async def test_a_stranger_with_a_key_of_his_own_is_refused(visit):
    assert await refused(visit, fakes.FakeSaml().respond(visit.said)) == "sso_assertion_refused"


async def test_an_assertion_that_was_changed_after_signing_is_refused(visit, idp):
    email = visit.said.attributes["email"][0]
    visit.said.after_signing = lambda text: text.replace(email, "x" + email)
    assert await refused(visit, idp.respond(visit.said)) == "sso_assertion_refused"


def evil_twin(text, name_id):
    """The signed assertion again, saying another name, without the signature."""
    assertion = re.search(r"<saml:Assertion.*</saml:Assertion>", text, re.DOTALL).group(0)
    twin = re.sub(r"<ds:Signature.*</ds:Signature>", "", assertion, flags=re.DOTALL)
    twin = twin.replace(name_id, "someone-else")
    return assertion, twin


@pytest.mark.parametrize("variant", ["before", "after", "around", "inside", "extension"])
async def test_a_wrapped_signature_is_refused(visit, idp, variant):
    """XML signature wrapping: the signed assertion is there, but another one is read."""

    def wrap(text):
        assertion, twin = evil_twin(text, visit.said.name_id)
        renamed = re.sub(r'ID="_[0-9a-f]+"', f'ID="_{uuid4().hex}"', twin, count=1)
        if variant == "before":
            return text.replace(assertion, renamed + assertion)
        if variant == "after":
            return text.replace(assertion, assertion + renamed)
        if variant == "around":
            wrapped = renamed.replace("<saml:Subject>", f"{assertion}<saml:Subject>", 1)
            return text.replace(assertion, wrapped)
        if variant == "inside":
            signature = re.search(r"<ds:Signature.*</ds:Signature>", assertion, re.DOTALL).group(0)
            boxed = signature.replace(
                "</ds:Signature>", f"<ds:Object>{assertion}</ds:Object></ds:Signature>"
            )
            return text.replace(
                assertion, twin.replace("<saml:Subject>", f"{boxed}<saml:Subject>", 1)
            )
        extensions = f"<samlp:Extensions>{assertion}</samlp:Extensions><samlp:Status>"
        return text.replace(assertion, renamed).replace("<samlp:Status>", extensions, 1)

    visit.said.after_signing = wrap
    assert await refused(visit, idp.respond(visit.said)) == "sso_assertion_refused"


async def test_a_comment_does_not_cut_a_name_short(http, visit, idp, organisation):
    """`ada@example.com<!-- -->.evil.example` is signed as one name and must be read as one."""
    victim = f"victim@{organisation[1]}"
    visit.said.name_id = f"{victim}<!-- -->.evil.example"
    visit.said.attributes = {"email": [f"{victim}<!-- -->.evil.example"]}
    found = fragment_of(await visit.post(idp.respond(visit.said)))
    if "error" not in found:
        body = {"code": found["code"], "verifier": visit.trip.verifier, "refresh_token_in": "body"}
        answer = await http.post("/v1/auth/sso/complete", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "sso_email_foreign")


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/dtd">',
    ],
)
async def test_document_types_and_entities_are_refused(visit, idp, doctype):
    visit.said.after_signing = lambda text: doctype + text
    assert await refused(visit, idp.respond(visit.said)) == "sso_assertion_refused"


@pytest.mark.parametrize("posted", ["", "%%%", "AAAA", base64.b64encode(b"<a/>").decode()])
async def test_what_is_no_response_is_refused(visit, posted):
    assert await refused(visit, posted) == "sso_assertion_refused"


async def test_who_was_not_signed_in_there_is_told_so(visit, idp):
    visit.said.status = "Responder"
    assert await refused(visit, idp.respond(visit.said)) == "sso_denied"


async def test_an_assertion_is_taken_once(http, visit, idp, organisation):
    assertion_id = visit.said.assertion_id
    assert "code" in fragment_of(await visit.post(idp.respond(visit.said)))
    again = Visit(
        await begin(http, connection_id=organisation[0]["id"]), organisation[0], organisation[1]
    )
    again.said.assertion_id = assertion_id
    assert await refused(again, idp.respond(again.said)) == "sso_assertion_refused"


async def test_another_browser_cannot_post_the_answer(visit, idp):
    answer = await visit.post(idp.respond(visit.said), cookie="")
    assert (answer.status_code, answer.json()["code"]) == (400, "sso_state_invalid")


async def test_without_the_library_saml_is_told_to_be_missing(http, organisation, monkeypatch):
    monkeypatch.setattr("app.identity.sso.saml.provider.find_spec", lambda _: None)
    body = {"connection_id": organisation[0]["id"], "redirect_to": FRONTEND}
    for answer in (
        await http.post("/v1/auth/sso/start", json=body),
        await http.post("/v1/auth/sso/saml/acs", content="RelayState=x"),
        await http.get(f"/v1/auth/sso/saml/{organisation[0]['id']}/metadata"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "saml_not_installed")
