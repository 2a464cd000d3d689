"""What registering and beating make of a gateway's record; every instant is the receiver's."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.environments import Role
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway, Identity, record_heartbeat, register
from tests.unit.builders import POLICY, PROPERTY, SECOND, T0, beat, dr_gateway, primary_gateway

US = Identity(tenant_id="tenant", object_id="gw-pro-primary")


def registered(known: Gateway | None = None, *, boot_id: str = "boot-1", at: int = 0) -> Gateway:
    """Return the primary after it registered `at` seconds after T0."""
    return register(
        known=known,
        gateway_id="gw-pro-primary",
        environment="PRO",
        role=Role.PRIMARY,
        identity=US,
        boot_id=boot_id,
        region="westeurope",
        version="1.0",
        now=T0 + at * SECOND,
    )


def beaten(gateway: Gateway, *seconds: float, boot_id: str = "boot-1") -> Gateway:
    """Return the gateway after heartbeats at these seconds after T0."""
    for second in seconds:
        now = T0 + timedelta(seconds=second)
        gateway = record_heartbeat(gateway, beat(boot_id=boot_id), now=now, policy=POLICY)
    return gateway


def test_a_new_gateway_is_recorded_as_it_registered() -> None:
    gateway = registered()

    assert (gateway.id, gateway.environment, gateway.role) == ("gw-pro-primary", "PRO", Role.PRIMARY)
    assert (gateway.identity, gateway.region, gateway.version) == (US, "westeurope", "1.0")
    assert (gateway.registered_at, gateway.boot_id, gateway.booted_at) == (T0, "boot-1", T0)


def test_registering_is_no_heartbeat() -> None:
    gateway = registered()

    assert (gateway.last_heartbeat, gateway.streak_started_at, gateway.streak_beats) == (None, None, 0)


def test_registering_again_keeps_what_was_registered_and_notes_the_new_boot() -> None:
    again = registered(primary_gateway(), boot_id="boot-2", at=60)

    assert again.registered_at == primary_gateway().registered_at
    assert again.last_heartbeat == T0
    assert (again.boot_id, again.booted_at) == ("boot-2", T0 + 60 * SECOND)
    assert (again.region, again.version) == ("westeurope", "1.0")


def test_registering_again_under_the_same_boot_keeps_the_time_of_the_boot() -> None:
    again = registered(primary_gateway(), boot_id="boot-1", at=60)

    assert again.booted_at == primary_gateway().booted_at


def test_registering_cannot_change_the_identity_or_the_role_a_gateway_is_bound_to() -> None:
    again = register(
        known=dr_gateway(),
        gateway_id="gw-pro-dr",
        environment="PRO",
        role=Role.PRIMARY,
        identity=Identity(tenant_id="tenant", object_id="somebody-else"),
        boot_id="boot-2",
        region="",
        version="",
        now=T0,
    )

    assert (again.identity, again.role) == (dr_gateway().identity, Role.DR_STANDBY)


def test_a_heartbeat_records_when_it_was_received_and_what_the_gateway_says() -> None:
    said = beat(token_seen=FencingToken(7), version="2.0", checks={"key_vault": "denied"}, role="dr-standby")

    gateway = record_heartbeat(registered(), said, now=T0 + 3 * SECOND, policy=POLICY)

    assert gateway.last_heartbeat == T0 + 3 * SECOND
    assert (gateway.token_seen, gateway.version) == (FencingToken(7), "2.0")
    assert (gateway.reported_role, gateway.reported_environment) == ("dr-standby", "PRO")
    assert gateway.checks == {"key_vault": "denied"}


def test_a_heartbeat_without_a_version_keeps_the_known_one() -> None:
    assert beaten(primary_gateway(version="1.0"), 15).version == "1.0"


def test_a_gateway_that_stops_presenting_a_token_is_not_credited_with_the_old_one() -> None:
    assert beaten(primary_gateway(token_seen=FencingToken(7)), 15).token_seen is None


def test_the_first_heartbeat_starts_a_run() -> None:
    gateway = beaten(registered(), 5)

    assert (gateway.streak_started_at, gateway.streak_beats) == (T0 + 5 * SECOND, 1)


def test_heartbeats_on_time_extend_the_run() -> None:
    gateway = beaten(registered(), 0, 15, 30)

    assert (gateway.streak_started_at, gateway.streak_beats) == (T0, 3)


@pytest.mark.parametrize(("gap", "beats"), [(25.0, 2), (25.001, 1), (0.0, 2), (-0.001, 1)])
def test_a_run_survives_gaps_up_to_the_longest_that_is_on_time(gap: float, beats: int) -> None:
    """Heartbeat interval 15 s and two request time-outs of 5 s; a clock that stepped back proves nothing."""
    gateway = beaten(registered(), 0, gap)

    assert gateway.streak_beats == beats
    assert gateway.streak_started_at == (T0 if beats == 2 else T0 + timedelta(seconds=gap))


def test_a_heartbeat_of_a_new_boot_starts_a_new_run() -> None:
    gateway = beaten(beaten(registered(), 0, 15), 30, boot_id="boot-2")

    assert (gateway.streak_started_at, gateway.streak_beats) == (T0 + 30 * SECOND, 1)
    assert (gateway.boot_id, gateway.booted_at) == ("boot-2", T0 + 30 * SECOND)


def test_a_restart_between_two_heartbeats_starts_a_new_run() -> None:
    """A gateway that crashes and is back within the longest time between heartbeats must not look stable."""
    again = registered(primary_gateway(), boot_id="boot-2", at=5)
    gateway = beaten(again, 10, boot_id="boot-2")

    assert (again.streak_started_at, again.streak_beats) == (None, 0)
    assert (gateway.streak_started_at, gateway.streak_beats) == (T0 + 10 * SECOND, 1)


def test_after_a_restart_the_run_grows_with_the_heartbeats_of_the_new_boot() -> None:
    again = registered(primary_gateway(), boot_id="boot-2", at=5)

    gateway = beaten(again, 10, 25, 40, boot_id="boot-2")

    assert (gateway.streak_started_at, gateway.streak_beats) == (T0 + 10 * SECOND, 3)


def test_registering_again_under_the_same_boot_keeps_the_run() -> None:
    gateway = beaten(registered(primary_gateway(), boot_id="boot-1", at=5), 10)

    assert (gateway.streak_started_at, gateway.streak_beats) == (T0 - 600 * SECOND, 42)


def test_the_time_of_a_boot_is_when_it_was_first_heard() -> None:
    gateway = beaten(registered(boot_id="boot-1"), 15, 30)

    assert gateway.booted_at == T0


@PROPERTY
@given(gaps=st.lists(st.floats(-60.0, 60.0), min_size=1, max_size=30))
def test_a_run_counts_exactly_the_heartbeats_since_the_last_gap_that_was_not_on_time(gaps: list[float]) -> None:
    gateway, second, run = beaten(registered(), 0.0), 0.0, [0.0]
    for gap in gaps:
        now = T0 + timedelta(seconds=second + gap)
        exact = (now - (T0 + timedelta(seconds=second))).total_seconds()  # microseconds, as clocks count
        second = (now - T0).total_seconds()
        run = [*run, second] if 0 <= exact <= POLICY.on_time_s else [second]
        gateway = beaten(gateway, second)

    assert gateway.streak_beats == len(run)
    assert gateway.streak_started_at == T0 + timedelta(seconds=run[0])
    assert gateway.last_heartbeat == T0 + timedelta(seconds=run[-1])


@pytest.mark.parametrize(
    ("role", "environment", "matches"),
    [
        ("primary", "PRO", True),
        ("dr-standby", "PRO", False),
        ("primary", "NPR", False),
        ("", "", True),  # registered, and has not reported yet
        ("", "NPR", False),
    ],
)
def test_a_gateway_must_report_the_role_and_environment_it_registered_with(
    role: str, environment: str, matches: bool
) -> None:
    gateway = primary_gateway(reported_role=role, reported_environment=environment)

    assert gateway.role_matches is matches
