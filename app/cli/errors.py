"""How a command ends: one sentence on stderr and an exit code, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from app.cli.embedded import EngineError
from app.core.config import InvalidSettings


class CannotServe(Exception):
    """The service cannot run; the message is one sentence that says what to do."""


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what an operator can cause into one sentence."""
    from redis.exceptions import RedisError  # noqa: PLC0415 - beside the next line
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - `--help` needs no database

    try:
        yield
    except InvalidSettings as error:
        end(str(error), code=2)
    except (EngineError, CannotServe) as error:
        end(str(error))
    except DBAPIError as error:
        end(f"The database cannot be used: {_reason(error.orig or error)}; check DATABASE_URL.")
    except (RedisError, ConnectionError) as error:
        end(
            f"A server we depend on cannot be used: {_reason(error)}; "
            "check DATABASE_URL and REDIS_URL."
        )


def end(sentence: str, code: int = 1) -> NoReturn:
    typer.echo(f"luminous: {sentence}", err=True)
    raise typer.Exit(code) from None


def _reason(error: BaseException) -> str:
    """Put the driver's own words on one line."""
    words = error.args[0] if error.args else ""
    if isinstance(words, dict):  # pg8000 hands the server's message over as fields
        words = words.get("M", words)
    sentence = " ".join(str(words or type(error).__name__).split())
    return sentence.partition(" (timeout is")[0].rstrip(".")
