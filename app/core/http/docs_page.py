"""/docs: the interactive reference, served from here, and a page that explains every error code."""

import asyncio
import base64
import hashlib
import html
import inspect
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.core.errors import AppError

ASSETS = Path(str(files("fastapi_swagger") / "resources"))
ASSETS_URL = "/docs/assets"

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem }
h2 { font-size: 1rem; margin: 1.5rem 0 0; font-family: ui-monospace, monospace }
h2 small { font-weight: normal; color: #667 } p { margin: .2rem 0 } :target { background: #ffd }
"""


def install_docs(app: FastAPI, routes: Callable[[], object]) -> None:
    """Add the pages; they need nothing from any other host.

    `routes` imports every route, and with them every error there is.
    """

    @app.get("/docs", include_in_schema=False)
    async def show_reference() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{app.title} API",
            swagger_js_url=f"{ASSETS_URL}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS_URL}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS_URL}/favicon-32x32.png",
            swagger_ui_parameters={"defaultModelsExpandDepth": 0, "persistAuthorization": True},
        )
        page.headers["Content-Security-Policy"] = page_policy(bytes(page.body).decode())
        return page

    @app.get("/docs/errors", include_in_schema=False)
    async def show_errors() -> HTMLResponse:
        await asyncio.to_thread(routes)
        page = error_page()
        return HTMLResponse(page, headers={"Content-Security-Policy": page_policy(page)})

    app.mount(ASSETS_URL, StaticFiles(directory=ASSETS))


def page_policy(page: str) -> str:
    """A content security policy under which a page runs its own scripts, and nobody else's.

    Swagger UI writes style attributes as it draws, and shows its icons as data.
    """
    hashes = (hashlib.sha256(script.encode()).digest() for script in _SCRIPT.findall(page))
    own = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src 'self'{own}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def error_page() -> str:
    """What each code of a problem document means, from the error classes themselves."""
    entries = "".join(_entry(kind) for kind in sorted(set(error_kinds()), key=lambda k: k.code))
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Errors</title>"
        f"<style>{STYLE}</style><h1>Errors</h1><p>Every error is an RFC 9457 problem document; "
        f"<code>code</code> is stable.</p>{entries}</html>"
    )


def error_kinds(base: type[AppError] = AppError) -> Iterator[type[AppError]]:
    """Every error class with a code of its own."""
    for kind in base.__subclasses__():
        if "code" in kind.__dict__ and kind.__name__ != "StoredError":
            yield kind
        yield from error_kinds(kind)


def _entry(kind: type[AppError]) -> str:
    explained = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    again = "The same request may succeed later." if kind.retryable else ""
    return (
        f"<h2 id='{kind.code}'>{kind.code} <small>{kind.status}</small></h2>"
        f"<p>{html.escape(kind.title)}. {html.escape(explained)} {again}</p>"
    )
