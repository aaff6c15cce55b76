"""Two instances: dictionaries of two workspaces that exchange signed bundles over the API."""

import asyncio
import base64
import json
import random
from datetime import timedelta
from uuid import UUID

import pytest_asyncio
from sqlalchemy import delete

from app.core.db import Scope
from app.knowledge.dictionary.models import Entry
from app.knowledge.exchange.models import Peer
from app.knowledge.exchange.sync.signing import own_key, sign
from tests.knowledge.exchange.desk import Desk
from tests.support.identity import new_person, until


class Pair:
    """Two desks that have pinned each other's keys."""

    def __init__(self, one, two):
        self.sides = (one, two)
        self.peers = []

    async def meet(self):
        for here, there in (self.sides, self.sides[::-1]):
            key = (await there.call("GET", "/v1/dictionary/bundle-key")).json()
            new = {"name": "The other", "public_jwk": key["public_jwk"]}
            path = f"/v1/dictionaries/{here.dictionary}/peers"
            made = await here.call("POST", path, json=new)
            assert made.status_code == 201, made.text
            assert made.json()["thumbprint"] == key["kid"]
            self.peers.append(made.json()["id"])

    async def bundle(self, side, **more):
        here = self.sides[side]
        path = f"/v1/dictionaries/{here.dictionary}/bundles"
        answer = await here.call("POST", path, json={"peer_id": self.peers[side], **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def apply(self, side, bundle, strategy="newest", **more):
        here = self.sides[side]
        params = more.pop("params", {})
        path = f"/v1/dictionaries/{here.dictionary}/bundles/apply"
        body = {"bundle": bundle, "strategy": strategy, **more}
        return await here.call("POST", path, json=body, params=params)

    async def send(self, side, strategy="newest", **more):
        """From one side to the other; what came of it there."""
        made = await self.bundle(side)
        answer = await self.apply(1 - side, made["bundle"], strategy, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def alike(self):
        return [said(await side.entries()) for side in self.sides]


def said(entries):
    names = {entry["id"]: entry["external_id"] for entry in entries}
    kept = ("external_id", "status", "subject_fields", "notes", "metadata", "sources")
    return {
        entry["external_id"]: {
            **{name: entry[name] for name in kept},
            "terms": sorted((t["language"], t["text"], t["status"]) for t in entry["terms"]),
            "definitions": sorted((d["language"], d["text"]) for d in entry["definitions"]),
            "relations": sorted(
                (r["kind"], names.get(r["target_id"]) or r["target_uri"])
                for r in entry["relations"]
            ),
        }
        for entry in entries
    }


@pytest_asyncio.fixture(loop_scope="session")
async def pair(client):
    sides = [await Desk.open(client, await new_person(client)) for _ in range(2)]
    pair = Pair(*sides)
    await pair.meet()
    return pair


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def word(text, language="en", status="preferred"):
    return {"language": language, "text": text, "status": status}


async def change(desk, external_id, **changes):
    [entry] = [e for e in await desk.entries() if e["external_id"] == external_id]
    path = f"/v1/dictionary/entries/{entry['id']}"
    answer = await desk.call("PATCH", path, json=changes)
    assert answer.status_code == 200, answer.text


async def test_what_one_side_has_comes_to_the_other_with_its_relations(pair):
    one, _two = pair.sides
    cell = await one.entry(external_id="cell", terms=[word("cell")], metadata={"k": None})
    await one.entry(
        external_id="tissue",
        status="approved",
        terms=[word("tissue"), word("Gewebe", "de")],
        definitions=[{"language": "en", "text": "Cells together."}],
        relations=[
            {"kind": "narrower", "target_id": cell["id"]},
            {"kind": "same_as", "target_uri": "https://example.org/t"},
        ],
    )
    done = await pair.send(0)
    assert (done["created"], done["complete"], done["conflicts"]) == (2, True, [])
    here, there = await pair.alike()
    assert here == there
    assert here["tissue"]["relations"] == [
        ("narrower", "cell"),
        ("same_as", "https://example.org/t"),
    ]
    # The other side has nothing to tell, and once it has said so neither has this one.
    assert (await pair.bundle(1))["entries"] == 0
    await pair.send(1)
    assert (await pair.bundle(0))["entries"] == 0


async def test_changes_of_different_fields_are_merged_without_a_conflict(pair):
    one, two = pair.sides
    await one.entry(external_id="cell", terms=[word("cell")])
    await pair.send(0)
    await change(one, "cell", terms=[word("cell"), word("Zelle", "de")])
    await change(two, "cell", notes=["A note"], metadata={"from": "two"})
    assert (await pair.send(0, "manual"))["conflicts"] == []
    assert (await pair.send(1, "manual"))["conflicts"] == []
    here, there = await pair.alike()
    assert here == there
    assert here["cell"]["notes"] == ["A note"]
    assert len(here["cell"]["terms"]) == 2


async def test_a_conflict_is_reported_left_open_and_then_resolved(pair):
    one, two = pair.sides
    await one.entry(external_id="cell", terms=[word("cell")], notes=["Both"])
    await pair.send(0)
    await change(one, "cell", notes=["One"])
    await change(two, "cell", notes=["Two"])
    bundle = (await pair.bundle(0))["bundle"]
    tried = (await pair.apply(1, bundle, "theirs", params={"dry_run": True})).json()
    assert tried["conflicts"][0]["resolution"] == "theirs"
    assert said(await two.entries())["cell"]["notes"] == ["Two"]
    left = (await pair.apply(1, bundle, "manual")).json()
    [conflict] = left["conflicts"]
    told = {name: conflict[name] for name in ("field", "base", "ours", "theirs", "resolution")}
    assert told == {
        "field": "notes", "base": ["Both"], "ours": ["Two"], "theirs": ["One"],
        "resolution": "open",
    }  # fmt: skip
    assert (left["open"], left["complete"]) == (1, False)
    choice = {"sync_id": conflict["sync_id"], "field": "notes", "take": "theirs"}
    done = (await pair.apply(1, bundle, "manual", resolutions=[choice])).json()
    assert (done["updated"], done["complete"]) == (1, True)
    await pair.send(1)
    here, there = await pair.alike()
    assert here == there
    assert here["cell"]["notes"] == ["One"]


async def test_a_replayed_bundle_changes_nothing(pair):
    one, two = pair.sides
    await one.entry(external_id="cell", terms=[word("cell")])
    bundle = (await pair.bundle(0))["bundle"]
    assert (await pair.apply(1, bundle)).json()["created"] == 1
    await change(two, "cell", notes=["Later"])
    again = (await pair.apply(1, bundle, "theirs")).json()
    assert (again["known"], again["updated"]) == (1, 0)
    assert said(await two.entries())["cell"]["notes"] == ["Later"]


async def test_what_is_changed_here_while_a_bundle_comes_in_is_not_lost(pair, kernel):
    one, two = pair.sides
    await one.entry(external_id="cell", terms=[word("cell")])
    await pair.send(0)
    await change(one, "cell", subject_fields=["Biology"])
    bundle = (await pair.bundle(0))["bundle"]
    async with two.changing(kernel, "cell", notes=["Meanwhile"]):
        applying = asyncio.create_task(pair.apply(1, bundle, "manual"))
    assert (await applying).json()["updated"] == 1
    cell = said(await two.entries())["cell"]
    assert (cell["notes"], cell["subject_fields"]) == (["Meanwhile"], ["Biology"])


async def test_a_deletion_travels_and_meets_a_change(pair):
    one, two = pair.sides
    for name in ("gone", "kept"):
        await one.entry(external_id=name, terms=[word(name)])
    await pair.send(0)
    for entry in await one.entries():
        await one.call("DELETE", f"/v1/dictionary/entries/{entry['id']}")
    await change(two, "kept", notes=["Still needed"])
    done = await pair.send(0, "ours")
    assert (done["deleted"], [c["field"] for c in done["conflicts"]]) == (1, ["*"])
    back = await pair.send(1, "theirs")
    assert back["updated"] == 1
    here, there = await pair.alike()
    assert here == there
    assert list(here) == ["kept"]


async def test_a_bundle_that_was_changed_or_is_anothers_is_refused(pair, client):
    one, two = pair.sides
    await one.entry(external_id="cell", terms=[word("cell")])
    bundle = (await pair.bundle(0))["bundle"]
    head, payload, signature = bundle.split(".")
    content = json.loads(base64.urlsafe_b64decode(payload + "=="))
    content["entries"][0]["state"]["notes"] = ["Slipped in"]
    forged = encoded(content)
    known = json.loads(base64.urlsafe_b64decode(head + "=="))
    third = Pair(two, await Desk.open(client, await new_person(client)))
    await third.meet()
    for_third = (await third.bundle(0))["bundle"]
    for bad in (
        f"{head}.{forged}.{signature}",
        f"{encoded({**known, 'alg': 'none'})}.{payload}.",
        f"{encoded({**known, 'alg': 'HS256'})}.{payload}.{signature}",
        f"{encoded({**known, 'crit': 1})}.{payload}.{signature}",
        f"{encoded({**known, 'jwk': {}})}.{payload}.{signature}",
        f"{encoded([])}.{payload}.{signature}",
        "a.b.c",
        for_third,
    ):
        answer = await pair.apply(1, bad)
        assert (answer.status_code, answer.json()["code"]) == (422, "bundle_refused"), answer.text
    reflected = await pair.apply(0, bundle)
    assert reflected.json()["code"] == "bundle_refused"
    assert await two.entries() == []


async def test_a_bundle_that_its_signer_has_not_made_well_is_refused_with_a_word(pair, kernel):
    one, two = pair.sides
    await one.entry(external_id="cell", terms=[word("cell")])
    bundle = (await pair.bundle(0))["bundle"]
    key = own_key(UUID(one.person.workspace_id), kernel.vault)
    content = json.loads(base64.urlsafe_b64decode(bundle.split(".")[1] + "=="))
    [entry] = content["entries"]
    when = entry.pop("changed_at")
    naive = {**content, "entries": [{**entry, "changed_at": when[:19]}]}
    answer = await pair.apply(1, sign(json.dumps(naive).encode(), key))
    assert (answer.status_code, answer.json()["code"]) == (422, "bundle_refused")
    # A relation to something elsewhere need not say that it has no target here.
    entry["changed_at"] = when
    entry["state"] |= {
        "relations": [{"kind": "same_as", "uri": "https://example.org/c"}],
        "replaced_by": str(UUID(int=9)),
    }
    answer = await pair.apply(1, sign(json.dumps({**content, "entries": [entry]}).encode(), key))
    assert (answer.status_code, answer.json()["waiting"]) == (200, 1), answer.text
    assert said(await two.entries())["cell"]["relations"] == [("same_as", "https://example.org/c")]


async def test_a_replay_does_not_bring_back_what_is_gone_for_good(pair, kernel):
    one, two = pair.sides
    await one.entry(external_id="cell", terms=[word("cell")])
    bundle = (await pair.bundle(0))["bundle"]
    assert (await pair.apply(1, bundle)).json()["created"] == 1
    async with kernel.database.unit(Scope(UUID(two.person.workspace_id))) as session:
        await session.execute(delete(Entry).where(Entry.dictionary_id == UUID(two.dictionary)))
    again = (await pair.apply(1, bundle)).json()
    assert (again["known"], again["created"], again["complete"]) == (1, 0, True)
    assert await two.entries() == []


async def test_a_workspace_keeps_its_key_and_shares_it_with_no_other(pair):
    kids = [
        (await side.call("GET", "/v1/dictionary/bundle-key")).json()["kid"]
        for side in (*pair.sides, *pair.sides)
    ]
    assert kids[:2] == kids[2:]
    assert kids[0] != kids[1]


async def test_a_peer_that_is_deleted_is_listened_to_no_more(pair):
    _one, two = pair.sides
    bundle = (await pair.bundle(0))["bundle"]
    path = f"/v1/dictionaries/{two.dictionary}/peers/{pair.peers[1]}"
    assert (await two.call("DELETE", path)).status_code == 204
    assert (await pair.apply(1, bundle)).json()["code"] == "bundle_refused"
    assert (await two.call("POST", f"{path}/restore")).status_code == 200
    assert (await pair.apply(1, bundle)).status_code == 200


async def test_a_peer_that_was_deleted_long_ago_goes_for_good(pair, kernel):
    _one, two = pair.sides
    path = f"/v1/dictionaries/{two.dictionary}/peers"
    assert (await two.call("DELETE", f"{path}/{pair.peers[1]}")).status_code == 204
    async with kernel.database.unit(Scope(UUID(two.person.workspace_id))) as session:
        (await session.get(Peer, UUID(pair.peers[1]))).deleted_at -= timedelta(days=31)
    kernel.nudge("purging")

    async def gone():
        return (await two.call("GET", path, params={"deleted": True})).json()["data"] == []

    await until(gone, 20)


async def test_a_private_key_and_a_weak_one_are_not_pinned(pair):
    path = f"/v1/dictionaries/{pair.sides[0].dictionary}/peers"
    for jwk in ({"kty": "oct", "k": "c2VjcmV0"}, {"kty": "EC", "d": "x"}, {"kty": "EC"}):
        answer = await pair.sides[0].call("POST", path, json={"name": "x", "public_jwk": jwk})
        assert answer.json()["code"] == "dictionary_peer_invalid"


async def test_relations_come_although_their_entries_are_in_different_bundles(pair):
    one, _two = pair.sides
    first = await one.entry(external_id="a", terms=[word("a")])
    second = await one.entry(
        external_id="b", terms=[word("b")],
        relations=[{"kind": "broader", "target_id": first["id"]}],
    )  # fmt: skip
    await change(one, "a", relations=[{"kind": "related", "target_id": second["id"]}])
    small = [(await pair.bundle(0, limit=1))["bundle"] for _ in range(2)]
    partly = (await pair.apply(1, small[0])).json()
    assert (partly["waiting"], partly["complete"]) == (1, False)
    for bundle in (small[1], small[0]):
        assert (await pair.apply(1, bundle)).status_code == 200
    here, there = await pair.alike()
    assert here == there
    assert there["a"]["relations"] == [("related", "b")]


async def test_two_instances_that_edit_at_random_become_alike(pair):
    chance = random.Random(7)  # noqa: S311 - the same walk each time
    made = [[], []]
    for step in range(24):
        side = chance.randrange(2)
        here = pair.sides[side]
        living = await here.entries()
        what = chance.choice(["new", "change", "change", "delete", "make", "apply"])
        if what == "new" or (what in ("change", "delete") and not living):
            await here.entry(external_id=f"e{step}", terms=[word(f"w{step}")])
        elif what == "change":
            entry = chance.choice(living)
            field = chance.choice(
                [{"notes": [f"n{step}"]}, {"subject_fields": [f"s{step}"]},
                 {"terms": [word(f"w{step}", chance.choice(["en", "de"]))]}]
            )  # fmt: skip
            await change(here, entry["external_id"], **field)
        elif what == "delete":
            gone = chance.choice(living)["id"]
            await here.call("DELETE", f"/v1/dictionary/entries/{gone}")
        elif what == "make":
            made[1 - side].append((await pair.bundle(side))["bundle"])
        elif made[side]:
            answer = await pair.apply(side, chance.choice(made[side]))
            assert answer.status_code == 200, answer.text
    for side in (0, 1, 0, 1):
        assert (await pair.send(side))["refused"] == []
    here, there = await pair.alike()
    assert here == there
    assert here
