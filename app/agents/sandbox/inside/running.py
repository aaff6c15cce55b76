"""Runs code, and says how it ended."""

import ast
import builtins
import io
import linecache
import sys
import traceback
from typing import Any, Final

from app.agents.sandbox.inside.files import Files

NAME: Final = "<code>"
MOST_REPR: Final = 20_000
MOST_TRACEBACK: Final = 8_000
_OURS: Final = __file__.rpartition("/")[0]


def run(code: str, stdin: str, given: Any, files: Files) -> dict[str, Any]:
    """`{reason, error?, value?}`: what the code came to. Whatever it raises is told, not raised."""
    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    sys.stdin = io.StringIO(stdin)
    sys.argv[:] = [NAME]
    vars(builtins)["open"] = files.open
    io.open = files.open
    space: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins, "data": given}
    try:
        value = _evaluated(code, space)
        return {"reason": "ok"} | ({} if value is None else {"value": _bounded(repr(value))})
    except SystemExit as error:
        return _left(error)
    except MemoryError:
        space.clear()
        return {"reason": "memory"}
    except BaseException as error:  # noqa: BLE001 - whatever code raises is told to who sent it
        return {"reason": "error", "error": _told(error)}
    finally:
        _flush()


def _evaluated(code: str, space: dict[str, Any]) -> Any:
    """Run all; the value of the last statement where it is an expression."""
    tree = ast.parse(code, NAME)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, NAME, "exec"), space)  # noqa: S102 - its purpose  # nosec B102
    if isinstance(last, ast.Expr):
        expression = ast.Expression(last.value)
        return eval(compile(expression, NAME, "eval"), space)  # noqa: S307 - as above  # nosec B307
    return None


def _left(error: SystemExit) -> dict[str, Any]:
    if error.code in (None, 0):
        return {"reason": "ok"}
    said = error.code if isinstance(error.code, int | str) else repr(error.code)
    return {"reason": "error", "error": _bounded(f"SystemExit: {said}", MOST_TRACEBACK)}


def _told(error: BaseException) -> str:
    """A traceback that begins in the code, not here."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != NAME:
        frame = frame.tb_next
    told = traceback.TracebackException(type(error), error, frame, limit=20)
    told.stack[:] = [step for step in told.stack if not step.filename.startswith(_OURS)]
    return _bounded("".join(told.format()).strip(), MOST_TRACEBACK)


def _bounded(text: str, most: int = MOST_REPR) -> str:
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
