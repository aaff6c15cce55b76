"""The built-in demo provider: a real HTTP server that speaks Chat Completions, without a model.

It is deterministic, says in every answer what it is, and misbehaves on request. Models:

    chat               answers with a paragraph that repeats the question
    reasoning          the same, after some reasoning
    tools              calls the first offered tool with schema-valid arguments, then answers
    slow               a token every 300 ms
    rate-limit         429 with Retry-After
    overloaded         503
    unauthorized       401
    context-too-long   400 context_length_exceeded
    content-filter     400 content_filter
    error              500
    drop               aborts the connection after ten tokens
    drop-early         aborts it before the first token
    garbage            an invalid chunk in the middle of the stream
    garbage-body       a page of HTML
    silent             the head of an answer and then nothing
    no-end             ends cleanly without a finish reason or [DONE]

Options follow the model's name like a query, `chat?tokens=300&delay_ms=50`; an unknown or
invalid one is a 400:

    tokens=N           the answer has N words (1 to 20000)
    delay_ms=N         milliseconds between tokens (30 by default; 0 to 60000)
    drop_after=N       aborts the connection after N tokens
    fail_times=N       the first N identical requests fail: as the model fails, or with 503
    retry_after=N      seconds in the Retry-After header of a failure
    calls=N            how many parallel calls `tools` makes (1 to 8)
"""

from app.inference.providers.demo.server import DemoServer, serve

__all__ = ["DemoServer", "serve"]
