"""Routes match as ASP.NET matches them."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import pytest

from devhost.host.loader import HTTP, HostedFunction, LoadError
from devhost.host.router import Router


def function(name: str, route: str | None, methods: list[str] | None = None) -> HostedFunction:
    trigger = func.decorators.http.HttpTrigger(
        name="req", route=route, methods=[func.HttpMethod(verb) for verb in methods] if methods else None
    )
    call: Any = print
    return HostedFunction(
        name=name,
        call=call,
        is_async=False,
        trigger=trigger,
        trigger_type=HTTP,
        client_parameters=(),
        wants_context=False,
        return_type=None,
    )


def matched(router: Router, verb: str, path: str) -> tuple[str, dict[str, str]] | None:
    found = router.match(verb, path)
    return None if found is None else (found[0].name, found[1])


def values(route: str, path: str) -> dict[str, str] | None:
    found = Router([function("f", route)], "api").match("GET", "/api/" + path)
    return None if found is None else found[1]


def test_the_first_function_by_name_wins_even_over_an_exact_route() -> None:
    router = Router([function("b", "x/exact"), function("A", "x/{any}")], "api")
    assert matched(router, "GET", "/api/x/exact") == ("A", {"any": "exact"})


def test_a_wrong_verb_is_no_match_and_falls_through_to_the_next_function() -> None:
    router = Router([function("a", "x", ["POST"]), function("b", "x", ["GET"])], "api")
    assert matched(router, "GET", "/api/x") == ("b", {})
    assert matched(router, "DELETE", "/api/x") is None


def test_without_a_route_the_function_name_is_the_path() -> None:
    assert matched(Router([function("Hello", None)], "api"), "PUT", "/api/hello") == ("Hello", {})


def test_the_prefix_may_be_empty() -> None:
    assert matched(Router([function("f", "x")], ""), "GET", "/x") == ("f", {})
    assert matched(Router([function("f", "x")], ""), "GET", "/api/x") is None


@pytest.mark.parametrize(
    ("route", "path", "expected"),
    [
        ("things/{id:int?}", "things", {}),
        ("things/{id:int?}", "things/5", {"id": "5"}),
        ("things/{id:int?}", "things/five", None),
        ("things/{id:int}", "things/2147483648", None),
        ("things/{id:long}", "things/2147483648", {"id": "2147483648"}),
        ("THINGS/{id}", "things/a%20b", {"id": "a b"}),
        ("t/{id=7}", "t", {"id": "7"}),
        ("t/{id:int=7}", "t/8", {"id": "8"}),
        ("t/{*rest}", "t/a/b/c", {"rest": "a/b/c"}),
        ("t/{*rest}", "t", {}),
        ("t/{a}-{b}.json", "t/x-y.json", {"a": "x", "b": "y"}),
        ("t/{a:alpha:length(2,3)}", "t/abc", {"a": "abc"}),
        ("t/{a:alpha:length(2,3)}", "t/abcd", None),
        ("t/{a:minlength(2)}", "t/a", None),
        ("t/{a:maxlength(2)}", "t/abc", None),
        ("t/{a:range(1,9)}", "t/10", None),
        ("t/{a:min(3)}", "t/3", {"a": "3"}),
        ("t/{a:max(3)}", "t/4", None),
        ("t/{a:bool}", "t/TRUE", {"a": "TRUE"}),
        ("t/{a:guid}", "t/not-a-guid", None),
        ("t/{a:guid}", "t/0d5f6a0e-1111-2222-3333-444455556666", {"a": "0d5f6a0e-1111-2222-3333-444455556666"}),
        ("t/{a:double}", "t/1.5e3", {"a": "1.5e3"}),
        ("t/{a:datetime}", "t/2026-01-31", {"a": "2026-01-31"}),
        ("t/{a:datetime}", "t/2026-01-32", None),
        (r"t/{a:regex(^\d{{2}}$)}", "t/12", {"a": "12"}),
        (r"t/{a:regex(^\d{{2}}$)}", "t/123", None),
        ("t/{a}", "t/a/b", None),
    ],
)
def test_templates_and_constraints(route: str, path: str, expected: dict[str, str] | None) -> None:
    assert values(route, path) == expected


@pytest.mark.parametrize("route", ["t/{a:nosuch}", "t/{a", "t//x", "t/{}"])
def test_a_malformed_template_is_a_load_error(route: str) -> None:
    with pytest.raises(LoadError, match="route"):
        Router([function("f", route)], "api")
