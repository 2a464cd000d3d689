"""The settings that the lab gives the function app."""

from dataclasses import fields

import pytest

from devhost.host.timespan import parse_timespan
from devhost.lab.names import GATEWAYS
from devhost.lab.settings import Addresses, app_settings, clean_environment, pace_at, policy_at, tick_s, timespan
from shared.config import Settings
from shared.domain.policy import Policy

ADDRESSES = Addresses(
    public_url="http://127.0.0.1:1",
    database_url="postgresql://postgres@127.0.0.1:2/postgres",
    tables_connection_string="TableEndpoint=http://127.0.0.1:3/devstoreaccount1;",
    arm_url="https://127.0.0.1:4",
    arm_ca_file="loopback.pem",
    identity_endpoint="http://127.0.0.1:5/msi/token",
    identity_header="secret",
    issuer="http://127.0.0.1:6/tenant/v2.0",
    jwks_url="http://127.0.0.1:6/keys",
)
SPEEDS = [1.0, 1.5, 7.0, 10.0, 19.99, *map(float, range(20, 61))]


@pytest.mark.parametrize("speed", SPEEDS)
def test_every_relation_that_makes_the_protocol_safe_holds_at_every_speed(speed: float) -> None:
    assert policy_at(speed).faults() == ()


def test_true_durations_are_the_product_s_own() -> None:
    assert policy_at(1.0) == Policy()


def test_at_speed_20_durations_are_divided_and_the_floors_hold() -> None:
    policy, real = policy_at(20.0), Policy()
    kept = {"request_timeout_s": 1.0, "retry_s": 0.2, "guarded_transaction_s": 1.0, "approval_timeout_s": 60.0}
    kept |= {"failure_threshold": real.failure_threshold, "recovery_heartbeats": real.recovery_heartbeats}
    kept |= {"auto_failovers_at_once": real.auto_failovers_at_once}
    for field in fields(Policy):
        expected = kept.get(field.name, getattr(real, field.name) / 20)
        assert getattr(policy, field.name) == expected, field.name
    assert policy.heartbeat_timeout_s == 6.0
    assert policy.lease_s == 3.0


@pytest.mark.parametrize("speed", [20.0, 45.0, 60.0])
def test_no_speed_takes_a_duration_below_its_floor(speed: float) -> None:
    policy = policy_at(speed)
    assert policy.request_timeout_s == 1.0
    assert policy.guarded_transaction_s == 1.0
    assert policy.retry_s == 0.2


@pytest.mark.parametrize("speed", [0.0, 0.99, 60.5, -1.0])
def test_a_speed_outside_the_range_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="between 1 and 60"):
        pace_at(speed)


def test_clusters_and_boots_follow_the_speed() -> None:
    pace = pace_at(20.0)
    assert (pace.aks_start_s, pace.aks_stop_s, pace.gateway_boot_s) == (9.0, 4.5, 1.0)
    assert pace.failed_after_s == pytest.approx(18.75)


@pytest.mark.parametrize("speed", SPEEDS)
def test_the_function_app_accepts_the_settings_and_reads_the_same_policy(speed: float) -> None:
    settings = Settings.from_env(app_settings(pace_at(speed), ADDRESSES))
    assert settings.protocol_policy() == policy_at(speed)


def test_the_settings_declare_the_clusters_that_the_gateways_live_in() -> None:
    declared = Settings.from_env(app_settings(pace_at(20.0), ADDRESSES)).declared_environments()
    for gateway in GATEWAYS:
        environment = declared[gateway.environment]
        assert gateway.cluster == (environment.dr_cluster if gateway.is_dr else environment.primary_cluster)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.75, "00:00:00.7500000"),
        (15.0, "00:00:15.0000000"),
        (3725.5, "01:02:05.5000000"),
        (59.99999999, "00:01:00.0000000"),
    ],
)
def test_a_schedule_is_spelled_as_a_time_span(seconds: float, text: str) -> None:
    assert timespan(seconds) == text
    assert parse_timespan(text).total_seconds() == pytest.approx(seconds)


def test_timers_keep_a_pace_that_one_machine_can_follow() -> None:
    assert tick_s("MVDR_HEALTH_MONITOR_SCHEDULE", 1.0) == 15.0
    assert tick_s("MVDR_HEALTH_MONITOR_SCHEDULE", 20.0) == 0.75
    assert tick_s("MVDR_HEALTH_MONITOR_SCHEDULE", 60.0) == 0.5


def test_settings_of_another_control_plane_do_not_leak_in() -> None:
    inherited = {"PATH": "/bin", "MVDR_RETRY_S": "9", "MAZEVAULT_GATEWAY_ROLE": "primary", "AZURE_CLIENT_ID": "x"}
    cleaned = clean_environment(inherited)
    assert cleaned == {"PATH": "/bin", "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
