"""run_code: Python, where it can reach nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from app.agents.sandbox.errors import SandboxUnavailable
from app.agents.sandbox.limits import (
    MIB,
    MOST_CODE_BYTES,
    MOST_INPUT_BYTES,
    Code,
    CodeLimits,
    Execution,
)
from app.agents.sandbox.sandbox import Sandbox
from app.agents.tools.errors import ToolUnfit
from app.agents.tools.local.documents import Documents
from app.agents.tools.local.local import Arguments, Config, LocalTool, clipped, takes
from app.agents.tools.local.reading import COLLECTIONS, only_of, uuid_of
from app.agents.tools.tool import Outcome, Tool, ToolContext, ToolFault, ToolTraits
from app.agents.tools.web.untrusted import visible
from app.core.auth import Access
from app.core.json_limits import storable

_MOST_DOCUMENTS: Final = 5
_MOST_FILES: Final = 10
_MOST_TEXT: Final = 200_000
_SHOWN_OF_A_FILE: Final = 4_000
_WHY: Final = {
    "timeout": "It was ended: it took longer than it may.",
    "memory": "It was ended: it needs more memory than it may.",
    "output": "It was ended: it writes more than it may.",
    "forbidden": "It was ended: it called something of the system that no code may.",
    "crashed": "Its interpreter broke down.",
}


class RunCode(LocalTool):
    """The built-in tool `run_code`."""

    name = "run_code"
    description = (
        "Run Python 3.11 and read what it prints and the value of its last expression. It has the "
        "standard library and nothing else: no packages, no network, no file system, no processes "
        "or threads. `open` works on files in memory: those of `files` and `documents`, by their "
        "names, and those that the code writes. `data` is a variable. Nothing is kept for the "
        "next call."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        ("code",),
        code={"type": "string", "minLength": 1, "maxLength": MOST_CODE_BYTES},
        stdin={"type": "string", "maxLength": _MOST_TEXT},
        data={"description": "Any JSON value: the variable `data`."},
        files={
            "type": "array",
            "maxItems": _MOST_FILES,
            "items": takes(
                ("name", "text"),
                name={"type": "string", "minLength": 1, "maxLength": 200},
                text={"type": "string", "maxLength": _MOST_TEXT},
            ),
        },
        documents={
            "type": "array",
            "maxItems": _MOST_DOCUMENTS,
            "items": {"type": "string", "format": "uuid"},
            "description": "Ids of the workspace's documents, whose files are to be there.",
        },
    )
    config: ClassVar[Mapping[str, Any]] = takes(
        (),
        collections=COLLECTIONS,
        seconds={"type": "integer", "minimum": 1, "maximum": 60, "default": 20},
        memory_mib={"type": "integer", "minimum": 32, "maximum": 1024, "default": 256},
    )
    traits = ToolTraits(effects="none", idempotent=True, seconds=120.0, characters=60_000)

    def __init__(self, sandbox: Sandbox, documents: Documents) -> None:
        self._sandbox = sandbox
        self._documents = documents

    async def missing(self, access: Access) -> str | None:
        del access
        return (await self._sandbox.platform()).missing

    async def open(self, access: Access, config: Config) -> Tool:
        if said := await self.missing(access):
            raise ToolUnfit(f"{SandboxUnavailable.code}: {said}")
        return await super().open(access, config)

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        text = arguments["code"]
        if len(text.encode(errors="replace")) > MOST_CODE_BYTES:
            raise ToolFault("too_large", f"Code has at most {MOST_CODE_BYTES} bytes.")
        given = arguments.get("files", ())
        files = {each["name"]: each["text"].encode(errors="replace") for each in given}
        files |= await self._read(ctx.access, arguments.get("documents", ()), only_of(config))
        code = Code(text, arguments.get("stdin", ""), arguments.get("data"), files)
        seconds = int(config.get("seconds", 20))
        limits = CodeLimits(
            seconds=seconds,
            cpu_seconds=min(seconds, 30),
            memory_bytes=int(config.get("memory_mib", 256)) * MIB,
        )
        ended = await self._sandbox.run(code, limits)
        return Outcome(visible(_said(ended)), storable(_told(ended)))

    async def _read(
        self, access: Access, named: Sequence[str], only: frozenset[str]
    ) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        left = MOST_INPUT_BYTES
        for each in named:
            name, content = await self._documents.file(access, uuid_of(each), left, only)
            files[name] = content
            left -= len(content)
        return files


def _told(ended: Execution) -> dict[str, Any]:
    return {
        "reason": ended.reason,
        "stdout": ended.stdout,
        "stderr": ended.stderr,
        "value": ended.value,
        "error": ended.error,
        "files": {name: _text(content) for name, content in ended.files.items()},
        "lost_files": list(ended.lost_files),
        "seconds": ended.seconds,
        "cpu_seconds": ended.cpu_seconds,
    }


def _text(content: bytes) -> str:
    """What a model can read of a file."""
    try:
        return clipped(content.decode(), _SHOWN_OF_A_FILE)
    except UnicodeDecodeError:
        return f"({len(content)} bytes that are no text)"


def _said(ended: Execution) -> str:
    parts = [
        ("output", ended.stdout),
        ("errors", ended.stderr),
        ("value", ended.value),
        ("traceback", ended.error),
        *[(f"file {name}", _text(content)) for name, content in ended.files.items()],
        ("too large to be shown", ", ".join(ended.lost_files)),
    ]
    said = [f"[{name}]\n{text.rstrip()}" for name, text in parts if text]
    if why := _WHY.get(ended.reason):
        said.insert(0, why)
    return "\n".join(said) or "It ended without output."
