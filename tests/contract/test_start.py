"""What a start brings into memory, and what it leaves for the request that needs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant

from app.core.http.late_route import LateRoute
from app.core.http.late_router import LateRouter
from app.main import ROUTERS
from tests.contract.test_authorization import every_route

ROOT = Path(__file__).parents[2]

# Each is megabytes that few requests need.
LATER = {
    "PIL", "alembic", "dns.resolver", "detect_secrets", "grpc", "httpx", "jsonschema_rs", "numpy",
    "onnxruntime", "phonenumbers", "pydantic.v1", "qdrant_client", "scim2_models", "tokenizers",
    "webauthn", "xmlsec",
}  # fmt: skip

LATE_ROUTERS = [router for router in ROUTERS if isinstance(router, LateRouter)]


def told_by(code: str):
    """What a fresh process says at last, read as JSON."""
    run = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def loaded_by(statement: str) -> set[str]:
    """The modules of a fresh process after this."""
    return set(told_by(f"{statement}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"))


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


def test_a_start_builds_no_route():
    built = told_by(
        "import json\n"
        "from app.main import ROUTERS\n"
        "routes = [route for router in ROUTERS for route in router.routes]\n"
        "print(json.dumps([len(routes), [r.path for r in routes if 'dependant' in vars(r)]]))"
    )
    assert built[0] > 500
    assert built[1] == []


def test_a_start_imports_no_router_that_a_request_can_bring():
    loaded = loaded_by("import app.cli.service, app.cli.serving")
    assert {router.module for router in LATE_ROUTERS} & loaded == set()


def test_every_late_router_has_the_prefixes_it_is_told_by():
    told = {router: set(router.prefixes) for router in LATE_ROUTERS}
    assert told == {router: beginnings(router) for router in LATE_ROUTERS}


def test_no_other_route_is_under_the_prefix_of_a_late_router():
    """It would never be asked, or hide what comes late."""
    late = {prefix for router in LATE_ROUTERS for prefix in router.prefixes}
    for router in ROUTERS:
        assert isinstance(router, LateRouter) or late.isdisjoint(beginnings(router))


def beginnings(router):
    """What the paths of its routes begin with, as far as no parameter stands in them."""
    parts = [route.path.split("/")[1:3] for route in router.routes]
    return {"/" + "/".join(part for part in each if "{" not in part) for each in parts}


def test_a_start_builds_few_models_of_bodies():
    built = told_by(
        "import json\n"
        "import app.cli.service, app.upper\n"
        "from app.core.schema import Input, Output\n"
        "models, built = [Input, Output], []\n"
        "for model in models:\n"
        "    models += model.__subclasses__()\n"
        "    built += [model.__name__] if model.__pydantic_complete__ else []\n"
        "print(json.dumps([len(models), built]))"
    )
    assert built[0] > 400
    assert len(built[1]) < 40  # what definitions of agents and workflows are read by, at import


def test_every_route_can_be_built(app):
    """A declaration that FastAPI cannot read is told here, not by the first request."""
    late = [route for route in every_route(app.routes) if isinstance(route, LateRoute)]
    assert len(late) > 500
    assert [route.path for route in late if not isinstance(route.dependant, Dependant)] == []


def test_a_start_goes_through_all_that_it_has_made_once_at_most():
    """The collector would do it a dozen times, which was a quarter of the start."""
    walks = told_by(
        "import gc, json\n"
        "from app.cli.collecting import put_off_collecting\n"
        "put_off_collecting()\n"
        "before = gc.get_stats()[2]['collections']\n"
        "import app.cli.service\n"
        "print(json.dumps(gc.get_stats()[2]['collections'] - before))"
    )
    assert walks <= 1
