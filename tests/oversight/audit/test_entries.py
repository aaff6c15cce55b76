"""From changes to rows: merged, placed in a chain, bounded."""

from decimal import Decimal
from uuid import UUID, uuid4

import orjson

from app.core.audit import Note, RequestFacts
from app.oversight.audit.entries import entries_of
from app.oversight.audit.models import INSTALLATION
from app.oversight.audit.tables import singular
from app.oversight.audit.tracking import Change
from app.oversight.audit.values import as_json, shortened

FACTS = RequestFacts("things_update", "req_1", "192.0.2.1", "a test")


def change(workspace_id=None, **more):
    return Change("updated", "thing", str(uuid4()), workspace_id, after={"name": "x"}, **more)


def test_many_changes_go_into_several_rows_and_none_is_lost():
    values = {f"column_{i}": "é" * 500 for i in range(10)}
    changes = [
        Change("updated", "thing", str(i), after=values, personal=frozenset(values))
        for i in range(100)
    ]
    rows = entries_of(FACTS, [], changes)
    assert max(len(orjson.dumps(row)) for row in rows) < 32 * 1024
    told = [each["resource_id"] for row in rows for each in row["changes"]]
    assert told == [str(i) for i in range(100)]
    assert {row["action"] for row in rows} == {"things_update"}


def test_rows_are_sorted_by_chain_so_that_transactions_lock_in_one_order():
    places = [UUID(int=number) for number in (3, 1, 2)]
    notes = [Note("test.noted", "test", workspace_id=place) for place in places]
    assert [row["workspace_id"] for row in entries_of(None, notes, [])] == sorted(map(str, places))


def test_a_row_stands_in_the_chain_of_the_note_then_of_the_change_then_of_the_installation():
    one, two = uuid4(), uuid4()
    for note, changed, expected in (
        (Note("a.b", "a", workspace_id=one), change(two), one),
        (Note("a.b", "a"), change(two), two),
        (None, change(two), two),
        (None, change(), INSTALLATION),
    ):
        (row,) = entries_of(FACTS, [note] if note else [], [changed])
        assert row["workspace_id"] == str(expected)


def test_nothing_is_written_down_about_someone_who_is_being_erased():
    person = uuid4()
    what = Note("person.erased", "user", actor_id=person, detail={"name": "Ada"})
    (row,) = entries_of(FACTS, [what], [], forgotten={person})
    assert (row["erasable"], row["commitments"]) == ({}, {})


def test_a_value_keeps_its_digits_and_a_long_one_its_digest():
    assert as_json({"amount": Decimal("0.10"), "ratio": -0.0, "many": 2**70}) == {
        "amount": "0.10", "ratio": "-0.0", "many": str(2**70),
    }  # fmt: skip
    told = shortened("x" * 5000)
    assert (told["begins"], told["characters"]) == ("x" * 200, 5002)
    assert len(told["sha256"]) == 64


def test_a_table_gives_its_rows_a_name():
    names = {"policies": "policy", "addresses": "address", "api_keys": "api_key", "data": "data"}
    assert {table: singular(table) for table in names} == names
