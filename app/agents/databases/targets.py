"""The table that rows are to be written into, as its server has it now."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.agents.databases.connecting import Connection
from app.agents.databases.errors import ColumnNotFound, KeyUnfit, TableNotFound, TableNotWritable

_SHOWN: Final = 20
_TABLE: Final = """
select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
  c.relrowsecurity as by_row,
  (select pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'made', a.attgenerated <> '' or a.attidentity = 'a',
      'insert', pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT'),
      'update', pg_catalog.has_column_privilege(c.oid, a.attnum, 'UPDATE'),
      'select', pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
    ) order by a.attnum)::text
   from pg_catalog.pg_attribute a
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select pg_catalog.json_agg(pg_catalog.json_build_object(
      'primary', i.indisprimary, 'columns',
      (select pg_catalog.json_agg(a.attname order by k.place)
       from pg_catalog.unnest(i.indkey::int2[]) with ordinality k(number, place)
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
       where k.place <= i.indnkeyatts)) order by i.indisprimary desc, i.indexrelid)::text
   from pg_catalog.pg_index i
   where i.indrelid = c.oid and i.indisunique and i.indimmediate and i.indisvalid
     and i.indpred is null and i.indexprs is null) as keys
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any($1::text[])
  and ($2::text[] is null or n.nspname || '.' || c.relname = any($2::text[]))
  and (c.relname = $3::text or n.nspname || '.' || c.relname = $3::text)
order by pg_catalog.array_position($1::text[], n.nspname::text) limit 1
"""


def quoted(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Column:
    """A column that may be given; `kind` is its type in SQL."""

    kind: str
    may_read: bool
    may_update: bool


@dataclass(frozen=True, slots=True)
class Target:
    """`keys` are what tells rows apart: the columns of each unique index.

    `by_row` says that the server may refuse a row for who writes it.
    """

    schema: str
    name: str
    columns: dict[str, Column]
    primary: tuple[str, ...] | None
    keys: tuple[frozenset[str], ...]
    by_row: bool

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def key(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """The columns that tell rows apart, by default the primary key.

        Raises KeyUnfit, and TableNotWritable where the role may not look for a row by them.
        """
        key = tuple(wanted) or self.primary
        if key is None:
            raise KeyUnfit("/key", f"{self.shown} has no primary key: say what tells rows apart.")
        for each in key:
            if each not in self.columns:
                raise KeyUnfit("/key", f"{self.shown} has no column `{each}` that can be given.")
            if not self.columns[each].may_read:
                said = f"The role may not read `{each}` of {self.shown}, which is in the key."
                raise TableNotWritable("/table", said)
        if frozenset(key) not in self.keys:
            said = f"{self.shown} has no unique index over just {', '.join(key)}."
            raise KeyUnfit("/key", said)
        return key

    def expect(self, name: str, pointer: str) -> None:
        """Raises ColumnNotFound."""
        if name not in self.columns:
            where = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            there = ", ".join(list(self.columns)[:_SHOWN])
            said = f"{self.shown} has no column `{name}` that can be given; there are: {there}."
            raise ColumnNotFound(where, said)

    def expect_changeable(self, name: str) -> None:
        """Raises TableNotWritable."""
        column = self.columns[name]
        if not (column.may_update and column.may_read):
            said = f"The role may not read and update `{name}` of {self.shown}."
            raise TableNotWritable("/table", said)


async def find(
    connection: Connection, table: str, schemas: list[str], tables: list[str] | None
) -> Target:
    """The table with this name, `schema.table` or in the first schema that has one.

    Raises TableNotFound and TableNotWritable.
    """
    found = await connection.fetchrow(_TABLE, schemas, tables, table)
    if found is None:
        raise TableNotFound("/table", f"There is no table `{table}` among those connected.")
    named = f"{found['schema']}.{found['name']}"
    if found["kind"] not in ("r", "p"):
        raise TableNotWritable("/table", f"{named} is a view, or a table of another server.")
    columns = {
        each["name"]: Column(each["type"], each["select"], each["update"])
        for each in json.loads(found["columns"] or "[]")
        if each["insert"] and not each["made"]
    }
    if not columns:
        raise TableNotWritable("/table", f"The role may not insert into {named}.")
    keys = json.loads(found["keys"] or "[]")
    primary = next((tuple(each["columns"]) for each in keys if each["primary"]), None)
    told_apart = tuple(frozenset(each["columns"]) for each in keys)
    return Target(
        found["schema"], found["name"], columns, primary, told_apart, bool(found["by_row"])
    )
