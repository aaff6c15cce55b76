"""The node type `code`: Python over JSON, where it can reach nothing."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import orjson
from pydantic import Field

from app.agents.sandbox.errors import SandboxUnavailable
from app.agents.sandbox.limits import MIB, MOST_CODE_BYTES, Code, CodeLimits, Execution
from app.agents.sandbox.sandbox import Sandbox
from app.automation.language.marks import NONE, marked
from app.automation.nodes.faults import fault_of
from app.automation.nodes.fields import Json
from app.automation.nodes.node_type import Given, StepContext, StepFault, TaskNode
from app.core.auth import Access
from app.core.errors import AppError, FieldError
from app.core.json_limits import storable, too_deep
from app.core.schema import Input, Text, WholeNumber

RESULT: Final = "result.json"
MOST_SECONDS: Final = 120
_LOGGED: Final = 20
_SAID: Final = 2000
# Behind the code, so that its own lines keep their numbers.
_ENDING: Final = f"""

import json as _json
with open({RESULT!r}, "w") as _file:
    _file.write(_json.dumps(globals().get("result")))
"""
# Each is named before it is read: what breaks the interpreter down is the one that was named last.
_COMPILES: Final = """
result = {}
for number, text in enumerate(data):
    print(number, flush=True)
    try:
        compile(text, "code", "exec")
    except SyntaxError as error:
        result[number] = f"line {error.lineno or 1}: {error.msg}"
    except MemoryError:
        result[number] = "it is nested too deeply"
    except Exception as error:
        result[number] = f"{type(error).__name__}: {error}"
"""
_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "timeout": ("code_timeout", "It took longer than it may."),
    "memory": ("code_memory", "It needs more memory than it may."),
    "output": ("code_output", "It writes more than it may."),
    "forbidden": ("code_forbidden", "It called something of the system that no code may."),
    "crashed": ("code_crashed", "Its interpreter broke down."),
}


_TOGETHER: Final = (
    f"To check all code of the definition took longer than {CodeLimits().cpu_seconds} s, and this "
    "is as far as it came: have less code in one workflow."
)


class CodeConfig(Input):
    code: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=MOST_CODE_BYTES,
            description="Python 3.11 with its standard library alone. `data` is what it is given; "
            "what it leaves in `result` (JSON) is what it gives. No templates.",
            json_schema_extra=marked(NONE),
        ),
    ]
    data: Json = None
    seconds: Annotated[WholeNumber, Field(ge=1, le=MOST_SECONDS)] = 20
    memory_mib: Annotated[WholeNumber, Field(ge=32, le=1024)] = 256


class CodeNode(TaskNode[CodeConfig]):
    """No network, no files, no processes; it is killed at its bounds."""

    name = "code"
    title = "Run Python"
    config = CodeConfig
    seconds = MOST_SECONDS + 30.0
    example: ClassVar[Mapping[str, Any]] = {
        "id": "totals",
        "type": "code",
        "with": {
            "code": "result = {'total': sum(row['net'] for row in data)}",
            "data": "{{ inputs.rows }}",
        },
    }

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def missing(self, access: Access) -> str | None:
        del access
        return (await self._sandbox.platform()).missing

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        [found] = await self.mistakes_of(access, [settings])
        return found

    async def mistakes_of(
        self, access: Access, settings: Sequence[Mapping[str, Any]]
    ) -> Sequence[Sequence[FieldError]]:
        """In one process, since each takes a while to start."""
        if missing := await self.missing(access):
            return [[FieldError("/code", SandboxUnavailable.code, missing)] for _ in settings]
        codes = list(dict.fromkeys(str(each.get("code")) for each in settings))
        wrong = dict(zip(codes, await self._compiled(codes), strict=True))
        told = [wrong[str(each.get("code"))] for each in settings]
        return [[FieldError("/code", "code_invalid", said)] if said else [] for said in told]

    async def _compiled(self, codes: list[str]) -> list[str | None]:
        """What is wrong with each; where one ends the process, the rest is passed over.

        Within the walls too: what is only compiled can break an interpreter down.
        """
        ended = await self._sandbox.run(Code(_COMPILES + _ENDING, data=codes))
        wrong: list[str | None] = [None] * len(codes)
        written = ended.files.get(RESULT)
        if ended.reason == "ok" and written is not None:
            for number, said in orjson.loads(written).items():
                wrong[int(number)] = str(said)[:_SAID]
            return wrong
        last = ended.stdout.strip().rpartition("\n")[2]
        place = int(last) if last.isdecimal() else 0
        wrong[place] = _WHY.get(ended.reason, ("", "It cannot be compiled."))[1]
        if ended.reason == "timeout" and len(codes) > 1:
            # Each may be sound: no one of them is to blame.
            wrong[place] = _TOGETHER
        return wrong

    async def perform(self, ctx: StepContext, config: CodeConfig) -> Given:
        """Raises StepFault: `code_error`, `code_timeout` …, `sandbox_unavailable`."""
        limits = CodeLimits(
            seconds=config.seconds,
            cpu_seconds=config.seconds,
            memory_bytes=config.memory_mib * MIB,
        )
        try:
            ended = await self._sandbox.run(Code(config.code + _ENDING, data=config.data), limits)
        except AppError as error:
            raise fault_of(error) from error
        for line in (ended.stdout + ended.stderr).splitlines()[:_LOGGED]:
            ctx.log(line)
        return Given(_result(ended))


def _result(ended: Execution) -> Any:
    """What the code left in `result`; raises StepFault."""
    if ended.reason == "error":
        said = (ended.error or "").strip()
        last = said.rpartition("\n")[2] or "It failed."
        raise StepFault("code_error", last[:_SAID], detail={"traceback": said[-_SAID:]})
    if ended.reason != "ok":
        raise StepFault(*_WHY[ended.reason])
    written = ended.files.get(RESULT)
    if written is None:
        raise StepFault("code_output", "Its result is larger than 2 MiB.")
    try:
        value = orjson.loads(written)
    except orjson.JSONDecodeError:
        raise StepFault("code_error", "Its result is not JSON.") from None
    if too_deep(written, value) is not None:
        raise StepFault("code_output", "Its result is nested too deeply.")
    return storable(value)
