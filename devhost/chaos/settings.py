"""The numbers of a chaos run: real durations scaled down until many hand-overs and faults fit into minutes."""

from __future__ import annotations

from dataclasses import dataclass

from devhost.lab.layout import DEFAULT
from devhost.lab.settings import Addresses, Pace, app_settings, timespan
from shared.domain.policy import Policy

FOLDER = DEFAULT / "chaos"
HOSTS = 4

POLICY = Policy(
    heartbeat_interval_s=0.4,
    # A host that was killed is away for one to three seconds; a heartbeat that waits that long is still on time.
    request_timeout_s=1.8,
    lease_s=4.0,
    gateway_margin_s=0.2,
    server_margin_s=0.4,
    heartbeat_timeout_s=4.5,
    failure_threshold=1,
    recovery_heartbeats=3,
    stability_window_s=1.5,
    task_timeout_s=2.5,
    guarded_transaction_s=2.0,
    cluster_start_timeout_s=60.0,
    cluster_poll_s=0.3,
    gateway_boot_timeout_s=60.0,
    gateway_poll_s=0.2,
    confirm_timeout_s=20.0,
    first_claim_timeout_s=20.0,
    drain_timeout_s=4.0,
    hold_s=6.0,
    retry_s=0.3,
)
SCHEDULES_S = {
    # Each host fires each of them: in the cloud a timer fires on one instance, here duplicates are part of the trouble.
    "MVDR_HEALTH_MONITOR_SCHEDULE": 1.5,
    "MVDR_TASK_TIMEOUT_SCHEDULE": 2.0,
    "MVDR_MIRROR_SCHEDULE": 2.0,
}
MARGINS_S = POLICY.gateway_margin_s + POLICY.server_margin_s
"""How long an effect may go on after the lease it began under before it can meet the next holder's."""

PACE = Pace(speed=20.0, policy=POLICY, aks_start_s=0.4, aks_stop_s=0.3, gateway_boot_s=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How much the gateways and the load have to do."""

    work_s: float  # how long one task takes
    lanes: int  # tasks a gateway works on at once
    batch: int  # tasks a lane claims at a time
    per_s: float  # tasks queued per second and environment; 0 means as fast as they are taken
    pause_s: tuple[float, float]  # between a hand-over and the next, from shortest to longest


STEADY = Work(work_s=0.03, lanes=2, batch=3, per_s=2.5, pause_s=(1.0, 3.0))
"""Enough to have work under way at every moment, and few enough to leave the machine to the faults."""

FULL_SPEED = Work(work_s=0.0, lanes=3, batch=20, per_s=0.0, pause_s=(6.0, 12.0))
"""For the ten thousand tasks: whatever the machine gives."""


def host_settings(addresses: Addresses) -> dict[str, str]:
    """Return the environment variables of one function host, which reaches everything through links of its own."""
    schedules = {name: timespan(seconds) for name, seconds in SCHEDULES_S.items()}
    return {**app_settings(PACE, addresses), **schedules}
