"""The explanation says what the decisions say, over one look, and changes nothing."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.simulation.world import World
from shared.domain.automatic import AutomaticRuns, Outcome, decide_automatic
from shared.domain.explain import Explanation, explanation, next_action
from shared.domain.failover import Allowed, Snapshot, decide_activation, decide_failback, health_of
from shared.domain.faults import UnknownEnvironment
from shared.domain.health import Sight, Verdict
from shared.domain.mass_silence import MassSilence
from shared.domain.modes import AutoFailover, Modes
from shared.steps.explain import explain
from shared.web.explain import explain_document
from tests.unit.builders import (
    POLICY,
    PRIMARY,
    PROPERTY,
    SECOND,
    T0,
    at_version,
    failed_over_snapshot,
    failed_snapshot,
    lock,
    primary_gateway,
    request,
    sight,
    steady_snapshot,
)
from tests.unit.steps.acting import everything, failed_over, with_primary_back


def explained(snapshot: Snapshot) -> Explanation:
    return explanation(snapshot, decide_automatic(snapshot, [], AutomaticRuns(), POLICY), POLICY)


def rules(snapshot: Snapshot, gateway: str = PRIMARY) -> dict[str, bool]:
    return {rule.name: rule.holds for rule in explained(snapshot).verdicts[gateway]}


def shown(world: World) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(explain_document(explain(world.ports, "PRO"), world.policy)))
    return document


SILENCE = MassSilence(since=T0 - 300 * SECOND, members=frozenset({PRIMARY}))

STORIES = [
    ("healthy", steady_snapshot(), None, "nothing"),
    ("failed", failed_snapshot(), "/api/v1/admin/failover/PRO/activate-dr", "failed and silent"),
    (
        "mass silence",
        failed_snapshot(lock=at_version(lock()), sight=replace(sight(), silence=SILENCE)),
        "/api/v1/admin/failover/PRO/activate-dr",
        "not our own outage",
    ),
    ("nobody holds it", steady_snapshot(lock=at_version(lock(holder=None))), "/failover/PRO/activate-dr", "nobody"),
    ("on its DR gateway", failed_over_snapshot(), "/api/v1/admin/failover/PRO/failback", "well again"),
    ("busy", failed_snapshot(lock=at_version(lock(operation=request()))), "/operations/op-failover", "follow it"),
    ("lost writes", steady_snapshot(lock=None), "/environments/PRO/authority/restore", "lost writes"),
    ("never founded", steady_snapshot(lock=None, mirror=None), None, "start the primary"),
    ("suspect", steady_snapshot(primary=primary_gateway(last_heartbeat=T0 - 130 * SECOND)), None, "HealthMonitor"),
    ("blind", steady_snapshot(primary=primary_gateway(last_heartbeat=T0 - 400 * SECOND), sight=None), None, "monitor"),
]


@pytest.mark.parametrize(("name", "snapshot", "path", "why"), STORIES, ids=[story[0] for story in STORIES])
def test_the_next_action_fits_the_moment(name: str, snapshot: Snapshot, path: str | None, why: str) -> None:
    del name
    action = explained(snapshot).next_action
    assert why in action.why
    assert (action.path or "").endswith(path or "")
    assert (action.method is None) == (path is None) == (action.path is None)


@PROPERTY
@given(
    st.sampled_from([steady_snapshot(), failed_snapshot(), failed_over_snapshot()]),
    st.integers(0, 900), st.integers(0, 900), st.sampled_from(AutoFailover), st.booleans(),
)  # fmt: skip
def test_a_change_is_suggested_only_if_it_would_be_allowed(
    base: Snapshot, silent_s: int, watched_s: int, mode: AutoFailover, paused: bool
) -> None:
    assert base.lock is not None
    modes = Modes(auto_failover=mode, paused_until=T0 + SECOND if paused else None)
    held = replace(base.lock.value, modes=modes)
    snapshot = replace(
        base, lock=at_version(held), sight=sight(watched_s=watched_s),
        primary=primary_gateway(last_heartbeat=T0 - silent_s * SECOND),
    )  # fmt: skip
    activation, failback = decide_activation(snapshot, POLICY), decide_failback(snapshot, POLICY)
    action = next_action(snapshot, activation, failback, POLICY)
    if action.path and action.path.endswith("activate-dr"):
        assert isinstance(activation, Allowed)
    if action.path and action.path.endswith("failback"):
        assert isinstance(failback, Allowed)
    if isinstance(activation, Allowed):
        assert action.path == "/api/v1/admin/failover/PRO/activate-dr"


def test_the_rules_of_a_verdict_carry_the_formula_and_its_numbers() -> None:
    silent = steady_snapshot(primary=primary_gateway(last_heartbeat=T0 - 250 * SECOND))
    missed = {rule.name: rule for rule in explained(silent).verdicts[PRIMARY]}["missed_enough_heartbeats"]
    assert missed.inputs == {
        "silence_seen_seconds": 250.0, "missed_heartbeats": 2, "failure_threshold": 3,
        "heartbeat_timeout_seconds": 120.0,
    }  # fmt: skip
    assert missed.to_json()["would_have_to_change"] == "110 s more of silence that the monitor sees"


@PROPERTY
@given(st.integers(0, 900), st.integers(0, 900), st.integers(0, 300))
def test_a_gateway_is_failed_exactly_when_the_rules_say_so(silent_s: int, watched_s: int, tick_age_s: int) -> None:
    seen: Sight = sight(watched_s=watched_s, at=T0 - tick_age_s * SECOND)
    snapshot = steady_snapshot(primary=primary_gateway(last_heartbeat=T0 - silent_s * SECOND), sight=seen)
    found = rules(snapshot)
    failed = not found["was_heard_in_time"] and all(
        found[name]
        for name in ("is_expected_to_beat", "monitor_sees", "missed_enough_heartbeats", "silence_has_consequences")
    )
    assert snapshot.primary is not None
    assert failed == (health_of(snapshot.primary, snapshot, POLICY).verdict is Verdict.FAILED)


def test_an_explanation_names_the_pause_the_operation_the_modes_and_the_lock() -> None:
    world = World().with_failed_primary()
    document = shown(world)
    assert document["environment"] == "PRO"
    assert document["state"]["lock"]["holder"] == "gw-pro-primary"
    assert document["state"]["mirror"] == "raised"
    assert document["modes"]["auto_failover"] == "off"
    assert document["decisions"]["activate_dr"] == {"allowed": True, "to": "gw-pro-dr"}
    automatic = document["decisions"]["automatic_failover"]
    assert automatic["outcome"] == Outcome.NO.value
    assert [rule["rule"] for rule in automatic["rules"] if not rule["holds"]] == [
        "auto_failover_is_on", "azure_monitor_says_so",
    ]  # fmt: skip
    assert document["next_action"]["path"] == "/api/v1/admin/failover/PRO/activate-dr"


def test_after_a_failover_it_says_how_to_get_back() -> None:
    document = shown(with_primary_back(failed_over()))
    assert document["next_action"]["path"] == "/api/v1/admin/failover/PRO/failback"


def test_explaining_changes_nothing_and_reads_each_store_once() -> None:
    points: Counter[str] = Counter()

    def count(point: str) -> None:
        points[point] += 1

    world = World(fault=count).with_failed_primary()
    before = everything(world)
    points.clear()

    shown(world)

    assert points == {
        "locks.read": 1, "gateways.list": 1, "sight.read": 1, "automatic.read": 1, "alerts.list": 1,
    }  # fmt: skip
    assert everything(world) == before


def test_an_environment_that_is_not_declared_has_nothing_to_explain() -> None:
    with pytest.raises(UnknownEnvironment):
        explain(World().ports, "QA")
