"""Whatever is done to an export is found, offline and without any secret."""

import base64
import copy
from uuid import UUID

import httpx2
import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.cli.commands import luminous
from app.core.audit import Note, note
from app.core.db import SYSTEM, Scope
from app.oversight.audit.checkpoints import checkpoint_job
from app.oversight.audit.erasure import erase_person
from app.oversight.audit.proof import digest_of
from tests.support.audit import exported, findings
from tests.support.identity import new_person

often = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def export(address, kernel):
    """An export with rows of several kinds, erased values, omitted rows and checkpoints."""
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        person = await new_person(http)
        gone = await new_person(http)
        for name in ("Ada", "Grace", "Hedy"):
            await http.patch("/v1/me", json={"name": name}, headers=person.headers)
            await http.post("/v1/conversations", json={"title": name}, headers=person.headers)
            async with kernel.database.unit(Scope(UUID(person.workspace_id))) as session:
                where = {"workspace_id": UUID(person.workspace_id)}
                detail = {"numbers": [1, 2.5, -0.0, 1e22, 10**30], "word": "\u0000 é"}
                subject = {"subject_id": UUID(gone.user_id)}
                note(session, Note("test.written", "test", **where, **subject, detail=detail))
            await checkpoint_job(kernel.database, kernel.vault).run()
        async with kernel.database.unit(SYSTEM) as session:
            await erase_person(session, UUID(gone.user_id))
        return await exported(http, person, actor_id=person.user_id)


def where(lines, kinds):
    return [i for i, line in enumerate(lines) if line["type"] in kinds]


def leaves(node, path=()):
    """The path of every scalar and of every empty container in a line."""
    if isinstance(node, dict) and node:
        for key, child in node.items():
            yield from leaves(child, (*path, key))
    elif isinstance(node, list) and node:
        for index, child in enumerate(node):
            yield from leaves(child, (*path, index))
    else:
        yield path


def replaced(line, path, value):
    changed = copy.deepcopy(line)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def value_at(line, path):
    for step in path:
        line = line[step]
    return line


def same(one, other):
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    )


JSON = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=5),
    st.floats(allow_nan=False, allow_infinity=False), st.just({}), st.just([]),
)  # fmt: skip


def test_it_is_whole_as_it_came(export):
    assert findings(export) == []
    assert {"row", "omitted", "checkpoint"} <= {line["type"] for line in export}


@often
@given(data=st.data())
def test_any_edit_of_any_value_is_found(export, data):
    at = data.draw(st.sampled_from(range(len(export))))
    path = data.draw(st.sampled_from(list(leaves(export[at]))))
    old = value_at(export[at], path)
    new = data.draw(st.one_of(JSON, nearby(old)).filter(lambda value: not same(value, old)))
    changed = [*export[:at], replaced(export[at], path, new), *export[at + 1 :]]
    assert findings(changed) != [], (path, old, new)


def nearby(old):
    """Values that look almost like the old one."""
    if isinstance(old, bool) or not isinstance(old, int | str):
        return JSON
    if isinstance(old, int):
        return st.sampled_from([old + 1, old - 1, float(old), str(old)])
    variants = [old + " ", old.upper(), old[:-1], old + old[-1:], old[::-1]]
    return st.sampled_from(variants)


@often
@given(data=st.data())
def test_any_deletion_is_found(export, data):
    gone = data.draw(st.sets(st.sampled_from(range(len(export))), min_size=1, max_size=5))
    assert findings([line for i, line in enumerate(export) if i not in gone]) != []


@often
@given(data=st.data())
def test_any_reordering_is_found(export, data):
    one, two = data.draw(
        st.lists(st.sampled_from(range(len(export))), min_size=2, max_size=2, unique=True)
    )
    changed = list(export)
    changed[one], changed[two] = changed[two], changed[one]
    assert findings(changed) != []


@often
@given(data=st.data())
def test_any_repetition_is_found(export, data):
    at = data.draw(st.sampled_from(range(len(export))))
    to = data.draw(st.sampled_from(range(len(export) + 1)))
    assert findings([*export[:to], export[at], *export[to:]]) != []


def test_every_truncation_is_found(export):
    for length in range(len(export)):
        assert findings(export[:length]) != [], length
        assert findings(export[length + 1 :]) != [], length


def test_a_row_that_is_made_an_omitted_one_is_found(export):
    at = next(i for i, line in enumerate(export) if line["type"] == "row")
    row = export[at]
    omitted = {
        "type": "omitted", "sequence": row["sequence"], "digest": digest_of(row).hex(),
        "hash": row["hash"],
    }  # fmt: skip
    found = findings([*export[:at], omitted, *export[at + 1 :]])
    assert [finding for finding in found if "exported in full" in finding]


def test_an_erased_value_is_no_finding_and_one_that_is_put_in_its_place_is(export):
    at = next(
        i for i, line in enumerate(export)
        if line["type"] == "row" and line["erasable"].keys()
    )  # fmt: skip
    row = copy.deepcopy(export[at])
    name = next(iter(row["erasable"]))
    entry = row["erasable"].pop(name)
    assert findings([*export[:at], row, *export[at + 1 :]]) == []
    row["erasable"][name] = {**entry, "value": '"somebody else"'}
    assert len(findings([*export[:at], row, *export[at + 1 :]])) == 1


def test_a_finding_names_the_row(export):
    at = where(export, {"row"})[1]
    changed = [*export[:at], {**export[at], "action": "x"}, *export[at + 1 :]]
    (found,) = findings(changed)
    assert found.startswith(f"row {export[at]['sequence']}: was changed")


def verify(tmp_path, lines, *more):
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    result = CliRunner().invoke(luminous, ["audit", "verify", str(path), *more])
    return result.exit_code, result.output


def test_the_command_tells_what_it_found_and_exits_with_one(export, tmp_path):
    code, output = verify(tmp_path, export)
    assert code == 0
    assert "nothing was changed" in output
    code, output = verify(tmp_path, export[:-2])
    assert code == 1
    assert "the signed checkpoint of the export is missing" in output


def test_an_export_that_somebody_else_signed_does_not_pass_with_our_key(export, tmp_path):
    (ours,) = export[0]["keys"].values()
    assert verify(tmp_path, export, "--key", ours)[0] == 0
    other = base64.b64encode(bytes(32)).decode()
    code, output = verify(tmp_path, export, "--key", other)
    assert code == 1
    assert "a key that is not trusted" in output


@pytest.mark.parametrize("content", [b"", b"sequence,id\n1,2\n", b"\xff\xfe", b"[]\n", b"{}\n"])
def test_a_file_that_is_no_export_is_told_so(tmp_path, content):
    path = tmp_path / "export"
    path.write_bytes(content)
    result = CliRunner().invoke(luminous, ["audit", "verify", str(path)])
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_a_key_that_is_none_and_a_file_that_is_not_there_are_one_sentence(export, tmp_path):
    code, output = verify(tmp_path, export, "--key", "nonsense")
    assert (code, output.count("\n")) == (1, 1)
    result = CliRunner().invoke(luminous, ["audit", "verify", str(tmp_path / "nothing")])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
