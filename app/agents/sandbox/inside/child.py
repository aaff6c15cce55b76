"""The sandbox's process: reads what it is to do, raises the walls, runs the code, tells the end.

Descriptor 0 holds the request (JSON), 1 and 2 are the code's own output, and by 3 go two lines of
JSON: which layers are in force, and how the code ended. The second is only as true as the code.
"""

import base64
import io
import json
import os
import sys
from typing import Any, Final

from app.agents.sandbox.inside import loading
from app.agents.sandbox.inside.files import Files
from app.agents.sandbox.inside.running import run
from app.agents.sandbox.inside.walls import REPORT, NoWalls, die_with_parent, library, raise_walls

REFUSED: Final = 97
"""The status of a process that ran nothing, since it could not be confined."""


def main() -> None:
    libc = library()
    _move(int(sys.argv[2]), REPORT)
    with io.FileIO(0) as given:
        request = json.loads(given.readall())
    die_with_parent(libc, request["parent"])
    sys.setrecursionlimit(1_000)
    loading.load(request["modules"], request["zones"])
    files = Files({name: base64.b64decode(each) for name, each in request["files"].items()})
    try:
        layers = raise_walls(libc, request["limits"], request["parent"])
    except (NoWalls, OSError, ValueError) as error:
        _tell({"refused": str(error)})
        os._exit(REFUSED)
    loading.close(request["modules"], request["every"])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    _tell({"layers": layers})
    ended = run(request["code"], request["stdin"], request["data"], files)
    _tell(ended | _kept(files, request["limits"]["file_bytes"]))
    os._exit(0)


def _move(descriptor: int, to: int) -> None:
    if descriptor != to:
        os.dup2(descriptor, to)
        os.close(descriptor)


def _kept(files: Files, most: int) -> dict[str, Any]:
    """What was written, as far as it fits; the names of the rest."""
    kept: dict[str, str] = {}
    lost: list[str] = []
    for name, content in files.written().items():
        if len(content) > most:
            lost.append(name[:200])
        else:
            most -= len(content)
            kept[name[:200]] = base64.b64encode(content).decode()
    return {"files": kept, "lost_files": lost[:50]}


def _tell(said: dict[str, Any]) -> None:
    text = json.dumps(said, ensure_ascii=False)
    line = memoryview(text.encode(errors="replace") + b"\n")
    while line:
        line = line[os.write(REPORT, line) :]
