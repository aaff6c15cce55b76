"""The JavaScript packages are pinned, and named without the address of a registry."""

import json
import re

from tests.agents.frontends.javascript_clients import FOLDER


def test_the_lock_pins_what_is_asked_for_and_names_no_registry():
    wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    locked = {name.removeprefix("node_modules/"): each for name, each in packages.items() if name}
    assert {name: locked[name]["version"] for name in wanted} == wanted
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert [name for name, each in locked.items() if "resolved" in each] == []
    assert [name for name, each in locked.items() if "integrity" not in each] == []
