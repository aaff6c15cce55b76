"""Which modules of the standard library code may import.

They are loaded before the walls stand, since afterwards no file can be opened. What reaches outside
a process (`subprocess`, `socket`, `ctypes` …) is not among them; it could do nothing anyway.
"""

import re
from typing import Final

# Also what others import where they first need it (`_strptime`, `encodings.idna` …).
ALWAYS: Final = (
    "_strptime", "array", "ast", "base64", "binascii", "bisect", "builtins", "calendar", "cmath",
    "codecs", "collections", "collections.abc", "copy", "dataclasses", "datetime", "decimal",
    "encodings.ascii", "encodings.latin_1", "encodings.cp1252",
    "encodings.idna", "encodings.raw_unicode_escape", "encodings.unicode_escape",
    "encodings.utf_16", "encodings.utf_16_be", "encodings.utf_16_le", "encodings.utf_32",
    "encodings.utf_8", "encodings.utf_8_sig", "enum", "fractions", "functools",
    "hashlib", "heapq", "io", "itertools", "json", "keyword", "math", "numbers", "operator", "os",
    "random", "re", "reprlib", "statistics", "string", "struct", "sys", "textwrap", "time",
    "traceback", "types", "typing", "unicodedata", "warnings", "weakref",
)  # fmt: skip
ON_DEMAND: Final = (
    "abc", "bz2", "cProfile", "colorsys", "configparser", "contextlib", "contextvars", "csv",
    "difflib", "dis", "email.message", "email.parser", "fnmatch", "gc", "graphlib", "gzip",
    "hmac", "html", "html.parser", "importlib", "inspect", "ipaddress", "lzma", "mimetypes",
    "optparse", "argparse", "pathlib", "pickle", "pprint", "quopri", "secrets", "shlex", "signal",
    "sqlite3", "stat", "stringprep", "symtable", "tarfile", "timeit", "token", "tokenize",
    "tomllib", "unittest", "urllib.parse", "uuid", "xml.etree.ElementTree", "zipfile", "zlib",
    "zoneinfo",
)  # fmt: skip
MODULES: Final = tuple(sorted((*ALWAYS, *ON_DEMAND)))

_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def wanted(code: str, more: tuple[str, ...] = ()) -> list[str]:
    """What is to be loaded for this code: the usual, and each other whose names stand in it."""
    words = set(_WORD.findall(code))
    asked = [name for name in (*ON_DEMAND, *more) if words.issuperset(name.split("."))]
    return [*ALWAYS, *asked]
