"""Verifying a trail, from an export or from Postgres: each finding names the place.

A verifier takes the lines of one chain in order (see `lines`) and holds none of them but the
heads of the checkpoints. What it accepts as absent: rows before a signed prune, checkpoints before
the `oldest` of the last one, and erased values, which it counts.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.oversight.audit.lines import FORMAT, in_base64
from app.oversight.audit.proof import (
    CONTENT,
    START,
    STATEMENT,
    commitment_to,
    digest_of,
    is_signed,
    key_id_of,
    link_after,
)

_FIELDS = {
    "header": {"type", "format", "chain", "keys"},
    "checkpoint": {"type", "signature", *STATEMENT},
    "row": {"type", "sequence", "erasable", "hash", *CONTENT},
    "omitted": {"type", "sequence", "digest", "hash"},
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written; `place` says where."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(slots=True)
class Verifier:
    """Checks one chain. Without `trusted` keys it takes the header's word for them."""

    trusted: Mapping[str, bytes] | None = None
    chain: UUID | None = None
    rows: int = 0
    shown: int = 0
    erased: int = 0
    checkpoints: int = 0
    signed_by: set[str] = field(default_factory=set)
    _keys: dict[str, bytes] = field(default_factory=dict)
    _heads: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    _first_number: int | None = None
    _last: Mapping[str, Any] | None = None
    _pruned: tuple[int, bytes] = (0, START)
    _position: tuple[int, bytes] | None = None
    _ended: bool = False

    def take(self, line: Any) -> list[Finding]:
        """Check the next line against all before it."""
        kind = line.get("type") if isinstance(line, dict) else None
        if not isinstance(kind, str) or _FIELDS.get(kind) != set(line):
            return [Finding(_place(line), "is not a line of an export")]
        try:
            return list(self._take(kind, line))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return [Finding(_place(line), "cannot be read")]

    def _take(self, kind: str, line: dict[str, Any]) -> Iterator[Finding]:
        if kind == "header":
            yield from self._take_header(line)
        elif self.chain is None:
            yield Finding(_place(line), "stands before the header")
        elif self._ended:
            yield Finding(_place(line), "stands after the end of the export")
        elif kind == "checkpoint":
            yield from self._take_checkpoint(line)
        else:
            yield from self._take_row(line)

    def _take_header(self, line: dict[str, Any]) -> Iterator[Finding]:
        if self.chain is not None or line["format"] != FORMAT:
            yield Finding("header", "is not that of one export of this format")
            return
        told = {key_id: _from_base64(key) for key_id, key in line["keys"].items()}
        for key_id, key in told.items():
            if key_id_of(key) != key_id:
                yield Finding("header", f"the key {key_id} is not the one of that name")
        self._keys = dict(told if self.trusted is None else self.trusted)
        chain = UUID(line["chain"])
        if str(chain) != line["chain"]:
            raise ValueError(line["chain"])
        self.chain = chain

    def _take_checkpoint(self, line: dict[str, Any]) -> Iterator[Finding]:
        number, count, head = line["number"], line["count"], _from_hex(line["head"])
        if type(number) is not int or type(count) is not int:
            raise TypeError
        place = f"checkpoint {number}"
        if (wrong := self._unsigned(line)) is not None:
            yield Finding(place, wrong)
        if self._last is not None and number != self._last["number"] + 1:
            yield Finding(place, f"follows checkpoint {self._last['number']}: one is missing")
        self.checkpoints += 1
        self.signed_by.add(str(line["key_id"]))
        self._first_number = number if self._first_number is None else self._first_number
        self._last = line
        if self._position is not None:
            self._ended = True
        if wrong is not None:
            return  # what nobody signed licenses nothing
        if line["kind"] == "prune" and not self._ended and count > self._pruned[0]:
            self._pruned = (count, head)
        self._heads.setdefault(count, []).append((number, head))

    def _unsigned(self, line: dict[str, Any]) -> str | None:
        """Why a checkpoint is no signed statement of this chain, or None where it is one."""
        key = self._keys.get(line["key_id"])
        if key is None:
            return f"is signed by {line['key_id']}, a key that is not trusted"
        if not is_signed(line, _from_base64(line["signature"]), key):
            return "was changed: its signature does not fit"
        return None if line["chain"] == str(self.chain) else "belongs to another chain"

    def _take_row(self, line: dict[str, Any]) -> Iterator[Finding]:
        sequence, link, place = line["sequence"], _from_hex(line["hash"]), _place(line)
        if type(sequence) is not int:
            raise TypeError
        before, known = self._position or self._pruned
        self._position = self._position or self._pruned
        if sequence <= before:
            yield Finding(place, f"stands out of its place, after row {before}")
            return
        if sequence > before + 1:
            yield Finding(place, f"{_span(before + 1, sequence - 1)} missing before it")
        elif link != self._linked(known, line):
            yield Finding(place, "was changed, or does not follow the row before it")
        if line["type"] == "row":
            yield from self._check_commitments(line)
            self.shown += 1
        for number, head in self._heads.pop(sequence, ()):
            if head != link:
                yield Finding(place, f"is not the row that checkpoint {number} signed")
        self.rows += 1
        self._position = (sequence, link)

    def _linked(self, before: bytes, line: dict[str, Any]) -> bytes:
        assert self.chain is not None  # noqa: S101 - the header came first
        digest = _from_hex(line["digest"]) if "digest" in line else digest_of(line)
        return link_after(before, chain=self.chain, sequence=line["sequence"], digest=digest)

    def _check_commitments(self, line: dict[str, Any]) -> Iterator[Finding]:
        commitments, erasable = line["commitments"], line["erasable"]
        for name, entry in erasable.items():
            if set(entry) != {"salt", "value"}:
                yield Finding(_place(line), f"`{name}` cannot be read")
            elif commitments.get(name) != commitment_to(entry["salt"], entry["value"]):
                yield Finding(
                    _place(line), f"`{name}` was changed: it is not what was committed to"
                )
        self.erased += len(commitments.keys() - erasable.keys())

    @property
    def ends_with(self) -> str:
        """The number and the time of the last checkpoint: an older export has older ones."""
        last = self._last
        return f"checkpoint {last['number']} of {last['at']}" if last else "no checkpoint"

    def end_of_export(self) -> list[Finding]:
        """Check what only the end of a file shows: that nothing is missing after it."""
        if self.chain is None:
            return [Finding("header", "is missing")]
        last = self._last
        if not self._ended or last is None or last["kind"] != "export":
            return [*self._ends(), Finding("end", "the signed checkpoint of the export is missing")]
        sequence, link = self._position or self._pruned
        findings = self._ends()
        if (last["count"], last["head"]) != (sequence, link.hex()):
            findings.append(
                Finding("end", f"the export was of {last['count']} rows; here is row {sequence}")
            )
        if last["shown"] != self.shown:
            findings.append(
                Finding("end", f"{last['shown']} rows were exported in full; here are {self.shown}")
            )
        return findings

    def end_of_chain(self, count: int, head: bytes) -> list[Finding]:
        """Check a chain in Postgres against its head."""
        sequence, link = self._position or self._pruned
        findings = self._ends()
        if (count, head) != (sequence, link):
            findings.append(
                Finding("end", f"the chain counts {count} rows; the last one here is {sequence}")
            )
        return findings

    def _ends(self) -> list[Finding]:
        """The checkpoints whose rows did not come."""
        findings = []
        sequence, _ = self._position or self._pruned
        pruned, head = self._pruned
        if self._last is not None and self._last["oldest"] != self._first_number:
            findings.append(Finding("checkpoints", "the first ones are missing"))
        for count, signed in sorted(self._heads.items()):
            for number, signed_head in signed:
                if count > sequence:
                    what = f"counted {count} rows: {_span(sequence + 1, count)} missing at the end"
                    findings.append(Finding(f"checkpoint {number}", what))
                elif count == pruned and signed_head != head:
                    findings.append(Finding(f"checkpoint {number}", "signed another row"))
        return findings


def _from_hex(text: str) -> bytes:
    """Strictly: one text for one value, or ValueError."""
    raw = bytes.fromhex(text)
    if raw.hex() != text:
        raise ValueError(text)
    return raw


def _from_base64(text: str) -> bytes:
    """Strictly: one text for one value, or ValueError."""
    raw = base64.b64decode(text, validate=True)
    if in_base64(raw) != text:
        raise ValueError(text)
    return raw


def _span(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"


def _place(line: Any) -> str:
    if not isinstance(line, dict):
        return "a line"
    for kind, name in (("checkpoint", "number"), ("row", "sequence"), ("omitted", "sequence")):
        if line.get("type") == kind and name in line:
            return f"{'row' if kind == 'omitted' else kind} {line[name]}"
    return str(line.get("type", "a line"))[:40]
