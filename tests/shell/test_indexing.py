"""The app indexes exactly as the worker indexes it: one app object, a golden list of functions, routes and bindings."""

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from shared.domain.operations import Step
from shared.web.routes import ROUTES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOLDEN = HERE / "functions.golden.json"


@lru_cache(maxsize=1)
def index() -> dict[str, Any]:
    """Return what the app tells the platform."""
    done = subprocess.run(
        [sys.executable, str(HERE / "indexing.py")], capture_output=True, text=True, timeout=60, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_exactly_one_name_is_bound_to_an_app_object() -> None:
    assert index()["apps"] == ["app"]


def test_the_functions_with_their_bindings_are_the_golden_list() -> None:
    """After a wanted change: `python tests/shell/indexing.py`, and review the difference as a change of the API."""
    assert index()["functions"] == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_every_route_of_the_table_has_its_function_and_every_http_function_its_route() -> None:
    served = {
        name: binding["route"]
        for name, bindings in index()["functions"].items()
        for binding in bindings
        if binding["type"] == "httpTrigger"
    }
    assert {route.name: route.path for route in ROUTES} == served


def test_every_http_function_is_anonymous_for_the_platform_because_the_shell_checks_tokens() -> None:
    levels = {
        binding["authLevel"]
        for bindings in index()["functions"].values()
        for binding in bindings
        if binding["type"] == "httpTrigger"
    }
    assert levels == {"ANONYMOUS"}


def test_every_step_has_one_activity() -> None:
    activities = {
        name
        for name, bindings in index()["functions"].items()
        if any(binding["type"] == "activityTrigger" for binding in bindings)
    }
    assert {f"step_{step.id}" for step in Step} == activities


def test_no_route_is_open_but_liveness() -> None:
    open_routes = [route.name for route in ROUTES for roles in route.methods.values() if not roles]
    assert set(open_routes) == {"health_live"}


def test_loading_the_app_imports_no_slow_azure_library() -> None:
    """Source: the platform bills and waits for every import of a cold start; these are needed by some steps only."""
    slow = ("azure.identity", "azure.mgmt.containerservice", "azure.data.tables", "msal")
    assert [name for name in index()["modules"] if name.startswith(slow)] == []


def test_no_function_json_makes_the_platform_take_the_app_for_a_mixed_one() -> None:
    listed = subprocess.run(["git", "ls-files", "*function.json"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert listed.stdout == ""
