"""What a start brings into memory, and what it leaves for the request that needs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Each is megabytes that few requests need.
LATER = {
    "PIL", "alembic", "dns.resolver", "detect_secrets", "grpc", "httpx", "jsonschema_rs", "numpy",
    "onnxruntime", "phonenumbers", "qdrant_client", "tokenizers", "webauthn", "xmlsec",
}  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """The modules of a fresh process after this."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    run = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout))


def test_a_server_starts_without_what_few_requests_need():
    loaded = loaded_by("import app.cli.service, app.cli.serving")
    assert "app.main" in loaded
    assert loaded & LATER == set()


def test_an_agent_without_tools_works_without_the_loops_library():
    loaded = loaded_by("import app.cli.service, app.agents.runtime.performing")
    assert "pydantic_ai" not in loaded


@pytest.mark.parametrize("heavy", ["app.main", "fastapi", "sqlalchemy"])
def test_the_command_line_shows_its_help_without_the_service(heavy):
    assert heavy not in loaded_by("import app.cli.commands")


def test_every_route_is_built_once(app):
    """FastAPI's `include_router` would build them all again, at the first request."""
    built = {type(route).__name__ for route in app.routes}
    assert "_IncludedRouter" not in built
