"""Who may call what: no route but `live` answers without a token, and no token opens more than its role."""

import base64
import json
from collections.abc import Iterator
from functools import partial

import httpx2
import pytest

from shared.web.routes import ROUTES, Route
from tests.e2e.environment import LabEnvironment
from tests.e2e.running_lab import RunningLab, expect, shown

OPEN = {("GET", "health_live"), ("HEAD", "health_live")}
FOR_ADMINISTRATORS = {
    ("POST", "activate_dr"),
    ("POST", "failback"),
    ("POST", "deactivate_gateway"),
    ("POST", "resolve_task"),
    ("POST", "restore_authority"),
    ("POST", "pause_environment"),
    ("POST", "resume_environment"),
    ("PUT", "modes"),
    ("PUT", "rotation_config"),
    ("GET", "audit"),
    ("GET", "verify_audit"),
}
FOR_GATEWAYS = {
    ("POST", name) for name in ("register_gateway", "heartbeat", "claim_tasks", "task_progress", "complete_task")
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
VALUES = {
    "gateway_id": "gw-npr-primary",
    "environment": "NPR",
    "operation_id": "NPR-1",
    "config_id": "cfg-npr-demo",
    "task_id": "task-1",
    "drill_id": "NPR-2",
    "channel": "on-call",
}


def calls() -> Iterator[tuple[str, Route]]:
    for route in ROUTES:
        for method in route.methods:
            yield method, route


def named(wanted: set[tuple[str, str]]) -> list[tuple[str, Route]]:
    found = [(method, route) for method, route in calls() if (method, route.name) in wanted]
    assert len(found) == len(wanted), found
    return found


def send(lab: RunningLab, method: str, route: Route, authorization: str | None) -> httpx2.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return lab.http.request(method, f"{lab.url}/api/{route.path.format(**VALUES)}", headers=headers)


def with_roles(token: str, *roles: str) -> str:
    """Return the token with other roles in it, and the signature it had."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "roles": roles}).encode()).rstrip(b"=").decode()
    return f"{header}.{changed}.{signature}"


def name(value: object) -> str:
    return value.name if isinstance(value, Route) else str(value)


def test_only_live_is_open() -> None:
    assert {(method, route.name) for method, route in calls() if not route.methods[method]} == OPEN


@pytest.mark.parametrize(
    ("method", "route"), [call for call in calls() if (call[0], call[1].name) not in OPEN], ids=name
)
def test_a_call_without_a_good_token_is_not_answered(lab: RunningLab, method: str, route: Route) -> None:
    reader = str(lab.facts["reader_token"])
    bad = (None, "Bearer nonsense", f"Basic {reader}", f"Bearer {with_roles(reader, 'gateway:admin')}")
    for authorization in bad:
        answer = send(lab, method, route, authorization)

        assert answer.status_code == 401, shown(answer)
        assert answer.headers["www-authenticate"].startswith("Bearer"), shown(answer)
        if method != "HEAD":
            assert answer.json()["code"] == "Unauthenticated", shown(answer)
            assert reader not in answer.text, shown(answer)


def test_live_answers_anybody(lab: RunningLab) -> None:
    assert expect(lab.http.get(f"{lab.url}/api/health/live"), 200) == {"status": "ok"}


@pytest.mark.parametrize(("method", "route"), named(FOR_ADMINISTRATORS), ids=name)
def test_a_reader_may_not_administer(npr: LabEnvironment, method: str, route: Route) -> None:
    token = f"Bearer {npr.lab.facts['reader_token']}"

    answer = npr.stores.unchanged_by("NPR", lambda: send(npr.lab, method, route, token))

    body = expect(answer, 403)
    assert body["code"] == "Forbidden", shown(answer)
    assert "gateway:admin" in body["detail"], shown(answer)  # the role that would do
    assert "gateway:read" in body["detail"], shown(answer)  # the one the caller has


@pytest.mark.parametrize(("method", "route"), named(FOR_GATEWAYS), ids=name)
def test_an_administrator_is_no_gateway(npr: LabEnvironment, method: str, route: Route) -> None:
    token = f"Bearer {npr.lab.facts['admin_token']}"

    answer = npr.stores.unchanged_by("NPR", lambda: send(npr.lab, method, route, token))

    assert "gateway:agent" in expect(answer, 403)["detail"], shown(answer)


@pytest.mark.parametrize("which", ["gw-npr-dr", "gw-pro-primary"])
def test_a_gateway_may_not_speak_for_another(npr: LabEnvironment, which: str) -> None:
    token = str(npr.lab.facts["agent_tokens"][which])
    fence = str(npr.stores.lock("NPR")["token"])
    bodies = {
        "heartbeat": {"environment": "NPR", "role": "primary", "boot_id": "other", "sequence": 1},
        "tasks/claim": {"environment": "NPR", "fencing_token": fence, "limit": 1},
    }

    def post(path: str) -> httpx2.Response:
        return npr.lab.ask("POST", f"v1/gateways/{npr.primary}/{path}", token=token, json=bodies[path])

    for path in bodies:
        answer = npr.stores.unchanged_by("NPR", partial(post, path))

        assert "another identity" in expect(answer, 403)["detail"], shown(answer)


@pytest.mark.parametrize("route", ROUTES, ids=name)
def test_a_wrong_method_is_told_the_right_ones(lab: RunningLab, route: Route) -> None:
    for method in set(METHODS) - set(route.methods):
        answer = send(lab, method, route, f"Bearer {lab.facts['admin_token']}")

        assert answer.status_code == 405, shown(answer)
        assert set(answer.headers["allow"].split(", ")) == set(route.methods), shown(answer)
        if method != "HEAD":
            assert answer.json()["code"] == "MethodNotAllowed", shown(answer)
