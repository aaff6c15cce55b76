"""What import-linter cannot say: a domain's crud, router and jobs are its own."""

import grimp
import pytest

PRIVATE = {"crud", "router", "jobs"}


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("app", cache_dir=None)


def test_routers_are_used_only_to_compose_the_service(graph):
    strangers = [
        (importer, module)
        for module in graph.modules
        if module.rpartition(".")[2] == "router"
        for importer in graph.find_modules_that_directly_import(module)
        if importer != "app.main" and not importer.endswith(".routes")
    ]
    assert strangers == []


def test_crud_stays_in_its_room(graph):
    strangers = [
        (importer, module)
        for module in graph.modules
        if module.rpartition(".")[2] == "crud"
        for importer in graph.find_modules_that_directly_import(module)
        if importer.split(".")[1] != module.split(".")[1]
    ]
    assert strangers == []
