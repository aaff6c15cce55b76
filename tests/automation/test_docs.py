"""What the documentation says of automation is so: its routes, its bodies, its definitions."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from app.core.config import Settings
from tests.support.chat import Talker
from tests.support.identity import new_person

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page.read_text("utf-8") for page in (ROOT / "docs/automation").glob("*.md")}
# Without an engine, a session or what somebody has in their own workspace.
NOT_HERE = {"dagger_unavailable"}
PLACE = re.compile(r"\{[^{}/]*\}|<[^<>/]*>|\$\w+")


def blocks(kind):
    """The code of a kind, with the page that it stands on."""
    pattern = rf"```{kind}\n(.*?)```"
    return [
        (name, code)
        for name, text in PAGES.items()
        for code in re.findall(pattern, text, re.DOTALL)
    ]


def calls():
    """`page, method, path, query, body` of each call by the shell function `api`."""
    for name, code in blocks("sh"):
        for each in re.split(r"\bapi (?=-|\"?\$URL)", code.replace("\\\n", " "))[1:]:
            path, query = re.search(r"\$URL(/[^\s\"')?]*)\??([^\s\"')]*)", each).groups()
            sent = re.search(r"-d '(.*?)'", each, re.DOTALL)
            told = re.search(r"-X (\w+)", each)
            method = told[1] if told else "POST" if "-d " in each else "GET"
            asked = [part.partition("=")[0] for part in query.split("&") if part]
            yield name, method.lower(), path, asked, json.loads(sent[1]) if sent else None


CALLS = list(calls())


@pytest.fixture(scope="module")
def document(app):
    return app.openapi()


def operation_of(document, method, path):
    """The operation that a call with these reaches: what is written out goes before a place."""
    found = []
    for template, item in document["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if method in item and re.fullmatch(pattern, PLACE.sub("x", path)):
            found.append((template.count("{"), template))
    assert found, f"no {method} {path}"
    return document["paths"][min(found)[1]][method]


@pytest.mark.parametrize(("page", "method", "path", "query", "body"), CALLS)
def test_a_call_that_is_shown_can_be_made(document, page, method, path, query, body):
    operation = operation_of(document, method, path)
    assert set(query) <= {each["name"] for each in operation.get("parameters", ())}
    if body is None:
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    wrong = [each.message for each in jsonschema_rs.validator_for(whole).iter_errors(body)]
    assert wrong == [], page


def test_calls_are_found_at_all():
    assert {page for page, *_ in CALLS} >= {
        "definitions.md",
        "runs.md",
        "generation.md",
        "tasks.md",
    }


@pytest.mark.parametrize("page", PAGES)
def test_a_route_that_is_named_is_there(document, page):
    known = {
        f"{method.upper()} {PLACE.sub('{}', path)}"
        for path, item in document["paths"].items()
        for method in item
    }
    paths = {each.partition(" ")[2] for each in known}
    missing = []
    for code in re.findall(r"`([^`\n]+)`", PAGES[page]):
        named = re.fullmatch(r"(?:(GET|POST|PUT|PATCH|DELETE) )?(/v1/|…/)([^\s?:,]*).*", code)
        if named is None:
            continue
        method, start, rest = named.groups()
        rest = PLACE.sub("{}", rest).rstrip("/")
        if start == "…/":
            there = any(
                each.endswith(f"/{rest}") and (method is None or each.startswith(f"{method} "))
                for each in known
            )
        else:
            there = f"{method} /v1/{rest}" in known if method else f"/v1/{rest}" in paths
        if not there:
            missing.append(code)
    assert missing == []


def definitions():
    """Definitions, and nodes alone as such of one node."""
    for page, method, path, _, body in CALLS:
        if isinstance(body, dict) and body.get("definition"):
            yield f"{page} {method} {path}", body["definition"]
    for page, code in blocks("json"):
        shown = json.loads(code)
        if "dsl" in shown:
            yield page, shown
        elif {"id", "type", "with"} <= set(shown):
            yield f"{page} {shown['id']}", {"dsl": "flow/1", "nodes": [shown]}
    for page, code in blocks("yaml"):
        shown = yaml.safe_load(code)
        if "definition" in shown:
            yield page, shown["definition"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_definition_that_is_shown_validates(client):
    talker = Talker(client, await new_person(client))
    crm = {"name": "crm", "hosts": ["crm.example.com"], "secret": {"kind": "token", "token": "x"}}
    made = await talker.call("POST", "/v1/tools/credentials", json=crm)
    assert made.status_code == 201, made.text
    shown = [(at, each) for at, each in definitions() if "nodes" in each]
    assert len(shown) > 12
    wrong = {}
    for at, definition in shown:
        answer = await talker.call(
            "POST", "/v1/workflows/validate", json={"definition": definition}
        )
        assert answer.status_code == 200, answer.text
        errors = [each for each in answer.json()["errors"] if each["code"] not in NOT_HERE]
        if errors:
            wrong[at] = errors
    assert wrong == {}


def test_a_name_that_is_written_as_one_is_one():
    """Codes, fields and settings: each stands somewhere in the code."""
    source = "\n".join(
        path.read_text("utf-8")
        for folder, kind in (("app", "*.py"), ("app/agents/templates/packs", "*.yaml"))
        for path in (ROOT / folder).rglob(kind)
    )
    known = set(re.findall(r"[A-Za-z_]\w*", source))
    missing = {
        f"{page}: {name}"
        for page, text in PAGES.items()
        for name in re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", text)
        if name not in known
    }
    assert missing == set()


def test_a_setting_that_is_named_is_one():
    known = {f"LUMINOUS_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"LUMINOUS_[A-Z_]*[A-Z]", "\n".join(PAGES.values())))
    assert named - known - {"LUMINOUS_API_KEY", "LUMINOUS_STEP"} == set()
