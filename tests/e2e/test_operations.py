"""Failover and failback as their callers see them: waiting or not, alone or twenty at once, again and again."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Barrier
from typing import Any

import httpx2
import pytest

from tests.e2e.environment import LabEnvironment
from tests.e2e.running_lab import expect, shown

pytestmark = pytest.mark.timeout(180)

CLIENTS = 20
ACTIVATED = "DR gateway activated for environment NPR"
RETURNED = "Failback completed, primary reactivated for environment NPR"
FAILOVER_STEPS = [
    ("verify_primary_down", "1.1"),
    ("start_dr_cluster", "1.2"),
    ("verify_dr_gateway", "1.3"),
    ("look_again", "1.4"),
    ("activate_dr", "1.4"),
    ("verify_dr_active", "1.5"),
    ("verify_operations", "1.6"),
]
FAILBACK_STEPS = [
    ("verify_primary_recovered", "2.1"),
    ("drain_dr_gateway", "2.2"),
    ("look_again_before_failback", "2.2"),
    ("reactivate_primary", "2.2"),
    ("verify_primary_active", "2.3"),
    ("schedule_dr_stop", "2.4"),
]
CONTROL_PLANE_S = 2.0
HEARTBEATS = ("verify_dr_active", "verify_operations")
"""Steps that wait for the gateway's next heartbeats: one tells it the token, the next brings the lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One change of holder, with the stores around it. `answers` are of callers who waited, `early` of the others."""

    answers: Sequence[httpx2.Response]
    early: Sequence[httpx2.Response]
    before: dict[str, Any]
    after: dict[str, Any]
    operation: dict[str, Any]
    took_s: float

    def begun(self) -> list[dict[str, Any]]:
        """Return the operations that were begun."""
        return [one for one in self.after["operations"] if one not in self.before["operations"]]

    def moves(self) -> list[dict[str, Any]]:
        """Return the audit entries of moves of the lock."""
        new = [entry for entry in self.after["audit"] if entry not in self.before["audit"]]
        return [entry for entry in new if entry["action"] == "lock.moved"]


def moved(npr: LabEnvironment, callers: Sequence[Callable[[], httpx2.Response]]) -> Moved:
    """Let callers ask at the same moment, wait until their operation has ended, and return all of it."""
    before, barrier, began_s = npr.stores.settled("NPR"), Barrier(len(callers)), time.monotonic()

    def together(call: Callable[[], httpx2.Response]) -> httpx2.Response:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(callers)) as pool:
        answers = list(pool.map(together, callers))
    took_s = time.monotonic() - began_s
    assert "operation-id" in answers[0].headers, shown(answers[0])
    operation = npr.ended(answers[0].headers["operation-id"])
    return Moved(
        answers=[answer for answer in answers if answer.status_code != 202],
        early=[answer for answer in answers if answer.status_code == 202],
        before=before,
        after=npr.stores.settled("NPR"),
        operation=operation,
        took_s=took_s,
    )


@pytest.fixture(scope="module")
def cold_failover(npr: LabEnvironment) -> Moved:
    """Twenty clients activate the DR gateway while its cluster is stopped; every other one does not wait."""
    npr.with_failed_primary()
    npr.with_stopped_dr_cluster()
    return moved(npr, [lambda: npr.activate_dr("?wait=0"), lambda: npr.activate_dr("?wait=60")] * (CLIENTS // 2))


@pytest.fixture(scope="module")
def failback(npr: LabEnvironment, cold_failover: Moved) -> Moved:
    """Twenty clients fail back at once."""
    assert cold_failover.operation["status"] == "succeeded", cold_failover.operation
    npr.with_stable_primary()
    return moved(npr, [npr.failback] * CLIENTS)


@pytest.fixture(scope="module")
def warm_failover(npr: LabEnvironment, failback: Moved) -> Moved:
    """One client activates the DR gateway while its cluster runs."""
    assert failback.operation["status"] == "succeeded", failback.operation
    npr.with_failed_primary()
    return moved(npr, [npr.activate_dr])


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seconds(part: dict[str, Any], begins: str) -> float:
    return (instant(part["ended_at"]) - instant(part[begins])).total_seconds()


def assert_every_step_is_shown(operation: dict[str, Any], steps: Sequence[tuple[str, str]]) -> None:
    """Assert that all steps succeeded in their order, each with its runbook section, its times and its attempts."""
    assert operation["status"] == "succeeded", operation
    assert [(step["id"], step["runbook"]) for step in operation["steps"]] == list(steps), operation
    ended_at = instant(operation["created_at"])
    for step in operation["steps"]:
        assert step["status"] == "succeeded", operation
        assert step["attempts"] >= 1, operation
        assert ended_at <= instant(step["started_at"]) <= instant(step["ended_at"]), operation
        ended_at = instant(step["ended_at"])
    assert ended_at <= instant(operation["ended_at"]), operation
    assert operation["current_step"] is None, operation
    assert operation["error"] is None, operation


def assert_one_operation_and_one_token(change: Moved, *, to: str, message: str) -> None:
    """Assert that everybody got the same operation and token, and that the lock moved once."""
    ids = {answer.headers.get("operation-id") for answer in (*change.answers, *change.early)}
    assert ids == {change.operation["id"]}, ids
    lock, former = change.after["lock"], change.before["lock"]
    for answer in change.answers:
        assert expect(answer, 200) == {"message": message, "fencing_token": str(lock["token"])}, shown(answer)
    assert [one["id"] for one in change.begun()] == [change.operation["id"]], change.begun()
    assert len(change.moves()) == 1, change.moves()
    assert (lock["holder"], lock["previous_token"]) == (to, former["token"]), lock
    assert lock["token"] > former["token"], lock
    assert (change.after["fence"]["fencing_token"], change.after["fence"]["holder"]) == (lock["token"], to), lock


def test_with_the_cluster_stopped_a_caller_who_does_not_wait_gets_202_and_where_to_look(
    npr: LabEnvironment, cold_failover: Moved
) -> None:
    assert len(cold_failover.early) == CLIENTS // 2, [shown(answer) for answer in cold_failover.answers]
    for answer in cold_failover.early:
        assert int(answer.headers["retry-after"]) > 0, shown(answer)
        assert answer.headers["operation-location"].startswith(npr.lab.url), shown(answer)
        operation = answer.json()
        assert (operation["type"], operation["environment"]) == ("failover", "NPR"), shown(answer)
        assert (operation["status"], operation["ended_at"]) == ("running", None), shown(answer)
        assert operation["point_of_no_return_passed"] is False, shown(answer)
    followed = expect(npr.lab.ask("GET", cold_failover.early[0].headers["operation-location"]), 200)
    assert followed == cold_failover.operation


def test_the_operation_shows_every_step_of_the_failover(cold_failover: Moved) -> None:
    assert_every_step_is_shown(cold_failover.operation, FAILOVER_STEPS)
    start = cold_failover.operation["steps"][1]
    assert start["attempts"] > 1, start  # it asked, and came back to look
    assert seconds(start, "started_at") > 5, start  # 180 s at 20 times the speed
    assert cold_failover.operation["point_of_no_return_passed"] is True


def test_the_operation_tells_how_long_the_environment_was_down(cold_failover: Moved) -> None:
    result = cold_failover.operation["result"]
    times = result["recovery_time"]
    parts = sum(times[name] for name in ("detect_seconds", "decide_seconds", "execute_seconds"))
    assert times["total_seconds"] == pytest.approx(parts, abs=0.01), result
    assert times["execute_seconds"] == pytest.approx(seconds(cold_failover.operation, "created_at"), abs=0.5), result
    assert (result["mirror"], result["message"]) == ("raised", ACTIVATED), result


def test_twenty_clients_that_activate_at_once_get_one_operation_and_one_token(
    npr: LabEnvironment, cold_failover: Moved
) -> None:
    assert len(cold_failover.answers) == CLIENTS // 2
    assert_one_operation_and_one_token(cold_failover, to=npr.dr, message=ACTIVATED)


def test_twenty_clients_that_fail_back_at_once_get_one_operation_and_one_token(
    npr: LabEnvironment, failback: Moved
) -> None:
    assert len(failback.answers) == CLIENTS, [shown(answer) for answer in failback.early]
    assert_one_operation_and_one_token(failback, to=npr.primary, message=RETURNED)


def test_the_operation_shows_every_step_of_the_failback(failback: Moved) -> None:
    assert_every_step_is_shown(failback.operation, FAILBACK_STEPS)
    assert failback.after["lock"]["stop_dr_due_at"] is not None, failback.after["lock"]


def test_a_repeated_failback_gets_the_same_answer_and_changes_nothing(npr: LabEnvironment, failback: Moved) -> None:
    repeated = npr.stores.unchanged_by("NPR", npr.failback)

    assert expect(repeated, 200) == failback.answers[0].json()
    assert repeated.headers["idempotent-replayed"] == "true", shown(repeated)


def test_with_the_cluster_running_the_caller_gets_the_documented_body(
    npr: LabEnvironment, warm_failover: Moved
) -> None:
    assert_one_operation_and_one_token(warm_failover, to=npr.dr, message=ACTIVATED)
    assert_every_step_is_shown(warm_failover.operation, FAILOVER_STEPS)


def test_with_the_cluster_running_the_control_plane_takes_under_two_seconds(
    npr: LabEnvironment, warm_failover: Moved
) -> None:
    operation = warm_failover.operation
    waiting_s = sum(seconds(step, "started_at") for step in operation["steps"] if step["id"] in HEARTBEATS)
    control_plane_s = seconds(operation, "created_at") - waiting_s

    assert control_plane_s < CONTROL_PLANE_S, operation
    beat_s = 15 / float(npr.lab.facts["speed"])
    assert warm_failover.took_s < CONTROL_PLANE_S + 2 * beat_s, (warm_failover.took_s, operation)
    attempts = {step["id"]: step["attempts"] for step in operation["steps"] if step["id"] not in HEARTBEATS}
    assert set(attempts.values()) == {1}, operation


def test_a_repeated_activation_gets_the_same_token_and_changes_nothing(
    npr: LabEnvironment, warm_failover: Moved
) -> None:
    repeated = npr.stores.unchanged_by("NPR", npr.activate_dr)

    assert expect(repeated, 200) == warm_failover.answers[0].json()
    assert repeated.headers["idempotent-replayed"] == "true", shown(repeated)
