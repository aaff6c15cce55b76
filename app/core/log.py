"""Structured logs with request and run ids; what looks like a secret never reaches them."""

import logging
import re
import sys
from typing import Any

import structlog

_SECRET_NAMES = re.compile(
    r"(?i)(password|secret|token|api[_-]?key|authorization|cookie|credential|master_key)"
)
_SECRET_VALUES = re.compile(
    r"(sk-[A-Za-z0-9_-]{8,}|lum_live_[A-Za-z0-9]+|AIza[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{16,}"
    r"|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
    r"|://[^/\s:@]*:[^/\s@]+@)"
)
_COUNTS = re.compile(r"(?i)tokens$")
HIDDEN = "[hidden]"
# Postgres tells the values of a row that it refuses.
_ROW = re.compile(r"(?s)(?<=DETAIL:  )(?:Key|Failing row).*?(?=\n(?:\n|\[SQL|HINT|CONTEXT)|\Z)")
# A part of a path with digits, too long for a word, that is no UUID.
_LONG_SEGMENT = re.compile(
    r"(?<=/)(?![0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?:/|$))(?=[^/]*\d)[^/]{20,}"
)


def hide_secrets(value: Any, name: str = "") -> Any:
    """The value with everything that is, or looks like, a secret replaced."""
    if name and _SECRET_NAMES.search(name) and not _COUNTS.search(name):
        return HIDDEN
    if isinstance(value, str):
        return _hidden_in(value)
    if isinstance(value, dict):
        return {k: hide_secrets(v, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [hide_secrets(v) for v in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    # What the renderer would write of an exception, bytes or any other object.
    return _hidden_in(repr(value))


def _hidden_in(text: str) -> str:
    shown = _SECRET_VALUES.sub(HIDDEN, text)
    return _ROW.sub(HIDDEN, shown) if "DETAIL:  " in shown else shown


def shown_path(path: str) -> str:
    """The path of an address, without what may be a secret in it: a token of a link, say."""
    return _LONG_SEGMENT.sub(HIDDEN, path)


def _hide(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    # Names with an underscore are structlog's own and never written.
    return {k: v if k.startswith("_") else hide_secrets(v, k) for k, v in event.items()}


def configure_logs(level: str = "info", form: str = "console") -> None:
    """Send everything, the standard library's loggers included, through one redacting chain."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                *shared[:1],
                structlog.stdlib.PositionalArgumentsFormatter(),
                *shared[1:],
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "httpx2", "httpx", "httpcore2", "asyncio", "uvicorn.error"):
        logging.getLogger(noisy).setLevel("WARNING")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
