"""The node type `dagger`: commands in a container, by Dagger's engine and its own SDK."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from app.automation.nodes.dagger_engine import UNAVAILABLE, Engine
from app.automation.nodes.fields import MIB
from app.automation.nodes.node_type import Given, StepContext, StepFault, TaskNode
from app.core.auth import Access
from app.core.errors import FieldError
from app.core.schema import Input, Text

if TYPE_CHECKING:
    from dagger import Container, QueryError

MOST_OUTPUT: Final = 200_000
_SAID: Final = 2000
# A step of another run with the same input is another one only where it must not be cached.
_STEP: Final = "LUMINOUS_STEP"
FilePath = Annotated[Text, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Argument = Annotated[Text, Field(max_length=100_000)]
Command = (
    Annotated[list[Argument], Field(min_length=1, max_length=200)]
    | Annotated[Text, Field(min_length=1, max_length=100_000, description="A line for `sh -c`.")]
)


class DaggerConfig(Input):
    image: Annotated[
        Text, Field(min_length=1, max_length=500, description="`python:3.13-slim`, by digest best.")
    ]
    commands: Annotated[
        list[Command], Field(min_length=1, max_length=50, description="One after the other.")
    ]
    env: Annotated[
        dict[
            Annotated[Text, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")],
            Annotated[Text, Field(max_length=10_000)],
        ],
        Field(max_length=100),
    ] = Field(default_factory=dict)
    workdir: Annotated[FilePath | None, Field(description="Default: the image's own.")] = None
    files: Annotated[
        dict[FilePath, Annotated[Text, Field(max_length=MIB)]],
        Field(max_length=50, description="Put there before the first command: text by path."),
    ] = Field(default_factory=dict)
    stdin: Annotated[Text, Field(max_length=MIB, description="Of the last command.")] = ""
    outputs: Annotated[
        list[FilePath], Field(max_length=50, description="Paths of text files to be given.")
    ] = Field(default_factory=list)
    expect: Annotated[
        Literal["success", "any"],
        Field(description="`any`: another exit code of the last command is no fault."),
    ] = "success"
    cached: Annotated[
        bool, Field(description="Whether the engine may give what the same step gave before.")
    ] = True


class Dagger(TaskNode[DaggerConfig]):
    """`{stdout, stderr, exit_code, files}` of the last command. It sees nothing of the host."""

    name = "dagger"
    title = "Run a container"
    config = DaggerConfig
    seconds = 900.0
    example: ClassVar[Mapping[str, Any]] = {
        "id": "tests",
        "type": "dagger",
        "with": {
            "image": "python:3.13-slim",
            "files": {"/srv/check.py": "{{ inputs.script }}"},
            "workdir": "/work",
            "commands": [["python", "check.py"]],
        },
        "timeout": "10m",
    }

    sample: ClassVar[Any] = {"stdout": "", "stderr": "", "exit_code": 0, "files": {}}

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def missing(self, access: Access) -> str | None:
        del access
        return self._engine.missing()

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        del access, settings
        missing = self._engine.missing()
        return [FieldError("", UNAVAILABLE, missing)] if missing else ()

    async def perform(self, ctx: StepContext, config: DaggerConfig) -> Given:
        """Raises StepFault: `dagger_unavailable`, `exec_failed`, `dagger_failed`, `too_large`."""
        async with self._engine.client() as client:
            from dagger import ClientError, ExecError, QueryError  # noqa: PLC0415 - an extra

            container = _chain(client.container().from_(config.image), ctx, config)
            try:
                given = {
                    "stdout": (await container.stdout())[:MOST_OUTPUT],
                    "stderr": (await container.stderr())[:MOST_OUTPUT],
                    "exit_code": await container.exit_code(),
                    "files": {path: await _text(container, path) for path in config.outputs},
                }
            except ExecError as error:
                said = f"`{' '.join(error.command)[:200]}` ended with {error.exit_code}."
                detail = {
                    "exit_code": error.exit_code,
                    "stdout": error.stdout[-_SAID:],
                    "stderr": error.stderr[-_SAID:],
                }
                raise StepFault("exec_failed", said, detail=detail) from None
            except QueryError as error:
                raise _failed(error) from None
            except ClientError as error:
                said = str(error)[:_SAID] or type(error).__name__
                raise StepFault(UNAVAILABLE, said, retryable=True) from None
        ctx.log(f"{config.image}: exit code {given['exit_code']}")
        return Given(given)


def _chain(container: "Container", ctx: StepContext, config: DaggerConfig) -> "Container":
    """The container with all that is to be done; nothing is done before it is asked for."""
    from dagger import ReturnType  # noqa: PLC0415 - an extra

    if config.workdir is not None:
        container = container.with_workdir(config.workdir)
    for name, value in config.env.items():
        container = container.with_env_variable(name, value)
    if not config.cached:
        container = container.with_env_variable(_STEP, f"{ctx.key}#{ctx.attempt}")
    for path, text in config.files.items():
        container = container.with_new_file(path, text)
    *before, last = [["sh", "-c", each] if isinstance(each, str) else each
                     for each in config.commands]  # fmt: skip
    for command in before:
        container = container.with_exec(command)
    expect = ReturnType.ANY if config.expect == "any" else ReturnType.SUCCESS
    return container.with_exec(last, stdin=config.stdin, expect=expect)


async def _text(container: "Container", path: str) -> str:
    file = container.file(path)
    size = await file.size()
    if size > MIB:
        raise StepFault("too_large", f"`{path[:200]}` has {size} bytes; at most {MIB} are given.")
    return await file.contents()


def _failed(error: "QueryError") -> StepFault:
    """What the engine says of anything else than a command: an image, a path."""
    return StepFault("dagger_failed", str(error)[:_SAID])
