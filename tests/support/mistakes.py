"""Bad input: raw JSON values that something could choke on, and what a good refusal is."""

import json
from typing import Any

import httpx2

ROOTS = ("/body", "/query/", "/path/", "/header/")
MEGABYTE = "x" * 2**20
# Raw JSON, because no JSON library writes most of these.
UNREADABLE: dict[str, bytes] = {
    "NUL character": b'"a\\u0000b"',
    "lone surrogate": b'"a\\ud800b"',
    "reversed surrogates": b'"\\udc00\\ud800"',
    "invalid UTF-8": b'"a\xff\xfeb"',
    "overlong UTF-8": b'"\xc0\x80"',
    "UTF-8 surrogate": b'"\xed\xa0\x80"',
    "raw control character": b'"a\x01b"',
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "100 levels of lists": b"[" * 100 + b"]" * 100,
    "100 levels of objects": b'{"a":' * 100 + b"1" + b"}" * 100,
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "100,000 open lists": b"[" * 100_000,
}
STRANGE: dict[str, bytes] = {
    "null": b"null",
    "empty text": b'""',
    "blank text": b'"   "',
    "1 MB of text": json.dumps(MEGABYTE).encode(),
    "10,000 items": json.dumps(["x"] * 10_000).encode(),
    "10,000 keys": json.dumps({f"k{n}": n for n in range(10_000)}).encode(),
    "10**30": b"1" + b"0" * 30,
    "1e30": b"1e30",
    "-1": b"-1",
    "2**31": b"2147483648",
    "2**64": b"18446744073709551616",
    "1e400": b"1e400",
    "1e-400": b"1e-400",
    "-0.0": b"-0.0",
    "a long fraction": b"0." + b"3" * 5000,
    "empty list": b"[]",
    "empty object": b"{}",
    "list of null": b"[null]",
    "list of lists": b"[[]]",
    "empty key": b'{"": ""}',
    "a prototype": b'{"__proto__": {"a": 1}, "constructor": null}',
    "a date beyond time": b'"999999-01-01T00:00:00Z"',
    "a date before time": b'"0000-00-00T00:00:00Z"',
    "a UUID": b'"01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"',
    "right to left": '"\u202egnp.exe\ufeff"'.encode(),
    "a template": b'"%s{0}${jndi:ldap://x}\'; drop table users; --"',
    "line breaks": b'"a\\r\\nSet-Cookie: a=b"',
}
BY_TYPE: dict[str, bytes] = {
    "string": b'"x"',
    "number": b"3.5",
    "boolean": b"true",
    "array": b'[["x"]]',
    "object": b'{"x": []}',
}


def with_raw(body: dict[str, Any], name: str, raw: bytes) -> bytes:
    """The body as JSON, with `raw` as the value of one property."""
    rest = {key: value for key, value in body.items() if key != name}
    head = json.dumps(rest).encode()[:-1]
    return head + (b", " if rest else b"") + json.dumps(name).encode() + b": " + raw + b"}"


def complaint(answer: httpx2.Response, *, where: tuple[str, ...] = ()) -> str:
    """What is wrong with an answer to bad input; "" where it is as it should be.

    Success is nothing to complain of here. A refusal is a problem document, and one that says
    the request is not valid points to the fields: at least one of `where`, where that is given.
    """
    if answer.status_code < 400:
        return ""
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{answer.status_code} is no problem document: {answer.text[:200]}"
    problem = answer.json()
    pointers = [error["pointer"] for error in problem["errors"]]
    faults = {
        "a server's error": answer.status_code >= 500,
        "another status inside": problem["status"] != answer.status_code,
        "a huge answer": len(answer.content) > 60_000,
        "a pointer to nowhere": any(not pointer.startswith(ROOTS) for pointer in pointers),
        "no pointer": answer.status_code == 422 and not pointers,
        f"no pointer to {where}": where and not any(within(p, where) for p in pointers),
    }
    found = [fault for fault, there in faults.items() if there]
    return f"{', '.join(found)}: {answer.text[:300]}" if found else ""


def within(pointer: str, places: tuple[str, ...]) -> bool:
    return any(pointer == place or pointer.startswith(f"{place}/") for place in places)
