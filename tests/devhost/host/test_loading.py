"""An application the worker would refuse is refused here, with a reason and exit code 1."""

from __future__ import annotations

import pytest

from tests.devhost.host.conftest import MakeHost


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        ("two", "more than one function app object: app, other"),
        ("entity", "function counter is a Durable entity"),
        ("unfilled", "function handler has parameters that no binding fills: ['missing']"),
        ("absent", "there is no application directory"),
    ],
)
def test_a_broken_application_is_not_hosted(make_host: MakeHost, app: str, reason: str) -> None:
    host = make_host(app)
    assert host.launch().wait(20) == 1
    assert reason in host.log


def test_a_disabled_function_answers_404(make_host: MakeHost) -> None:
    host = make_host("main", **{"AzureWebJobs.log.Disabled": "true"}).start()
    assert host.call("GET", "/api/log").status == 404
    assert host.call("GET", "/api/items").status == 200
