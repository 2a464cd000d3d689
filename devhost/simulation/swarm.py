"""What one seed turns on: which faults, how often, and how the actors behave.

Every seed draws its own mix (a swarm), because faults hide one another: a run in which everything fails at once never
gets far enough to meet the rare one. One seed in five has no faults at all and must simply work.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random
from typing import Final

from shared.domain.policy import Policy

POLICY: Final = Policy(
    heartbeat_timeout_s=75, failure_threshold=2, stability_window_s=45, cluster_start_timeout_s=300,
    gateway_boot_timeout_s=180, confirm_timeout_s=90, first_claim_timeout_s=90, drain_timeout_s=40, hold_s=90,
    approval_timeout_s=100, force_interval_s=150,
)  # fmt: skip
"""The product's relations between the numbers with shorter waits, so that more happens in a run."""

CLUSTER_START_S: Final = 60.0
CLUSTER_STOP_S: Final = 40.0

TROUBLE_FROM_S: Final = 30.0
TROUBLE_UNTIL_S: Final = 1000.0
"""Faults happen only in between: before, the world is built; after, it must come to rest."""

SERVER_CLOCK_RANGE_S: Final = 5.0
"""PostgreSQL's clock stays within this of the true time; twice that is below the two margins of the lease."""

NO_FAULTS_SHARE: Final = 0.2
KIND_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Swarm:
    """One seed's mix. Rates are per access, per request or per command; counts are per run."""

    switch_rate: float  # how often an access to a store takes time
    table_lost: float = 0.0  # requests that never arrive
    table_throttled: float = 0.0  # requests that are refused before any row was touched
    table_answer_lost: float = 0.0
    table_conflict: float = 0.0  # our own write, repeated on the way, answered with 412
    table_late: float = 0.0  # writes that land after the caller has given up
    table_outages: int = 0
    database_lost: float = 0.0
    database_answer_lost: float = 0.0
    slow_transactions: float = 0.0  # that stay open for almost as long as they may
    database_outages: int = 0
    database_failovers: int = 0
    arm_lost: float = 0.0
    arm_half_starts: int = 0
    host_cuts: int = 0  # one host of the control plane does not reach one store
    host_pauses: float = 0.0
    gateway_pauses: int = 0
    gateway_kills: int = 0
    gateway_cuts: int = 0
    request_lost: float = 0.0
    request_late: float = 0.0
    request_twice: float = 0.0
    clock_steps: int = 0
    server_clock_steps: int = 0
    driver_deaths: float = 0.0
    late_duplicates: float = 0.0
    region_losses: int = 0
    cancellations: int = 0  # of whatever runs at the moment
    retries: int = 0  # of whatever failed last, some with a step left out
    forces: int = 0  # failovers forced whatever the primary's state
    two_person: float = 0.0  # whether operations need a second administrator, and how often that one looks after them

    @property
    def calm(self) -> bool:
        """Whether nothing goes wrong but the primary's death."""
        return all(not getattr(self, f.name) for f in fields(self) if f.name != "switch_rate")


def draw(random: Random) -> Swarm:
    """Return the mix of a seed."""
    switch_rate = random.choice((0.03, 0.12, 0.3))
    if random.random() < NO_FAULTS_SHARE:
        return Swarm(switch_rate=switch_rate)

    def rate(*choices: float) -> float:
        return random.choice(choices) if random.random() < KIND_SHARE else 0.0

    def count(most: int) -> int:
        return random.randint(1, most) if random.random() < KIND_SHARE else 0

    return Swarm(
        switch_rate=switch_rate,
        table_lost=rate(0.003, 0.02),
        table_throttled=rate(0.005, 0.05),
        table_answer_lost=rate(0.005, 0.03, 0.1),
        table_conflict=rate(0.005, 0.03, 0.1),
        table_late=rate(0.01, 0.05),
        table_outages=count(2),
        database_lost=rate(0.003, 0.02),
        database_answer_lost=rate(0.01, 0.05),
        slow_transactions=rate(0.1, 0.4),
        database_outages=count(2),
        database_failovers=count(2),
        arm_lost=rate(0.05, 0.3),
        arm_half_starts=count(1),
        host_cuts=count(3),
        host_pauses=rate(0.002, 0.01),
        gateway_pauses=count(5),
        gateway_kills=count(2),
        gateway_cuts=count(3),
        request_lost=rate(0.02, 0.1),
        request_late=rate(0.02, 0.1),
        request_twice=rate(0.02, 0.1),
        clock_steps=count(3),
        server_clock_steps=count(3),
        driver_deaths=rate(0.02, 0.1, 0.25),
        late_duplicates=rate(0.05, 0.3),
        region_losses=count(1),
        cancellations=count(8),
        two_person=rate(0.3, 0.9),
        forces=count(3),
        retries=count(6),
    )
