"""Places the simulation must get to: a place that no run reaches is a rule that no run tests."""

from __future__ import annotations

from typing import Final

OFTEN: Final = (
    "412 on own write recognised",
    "lost answer on own write recognised",
    "late write landed",
    "late write came to nothing",
    "fence raised by a gateway's request",
    "mirror raised",
    "mirror pending",
    "look_again stopped: PrimaryNotFailed",
    "late duplicate refused",
    "driver resumed from its history",
    "driver started again from the beginning",
    "transaction waited for the fence row",
    "transaction ended by the server",
    "failover succeeded",
    "failover joined",
    "failover done",
    "failover refused PrimaryNotFailed",
    "failover refused MonitorBlind",
    "failover failed ClusterStartFailed",
    "failback succeeded",
    "failback refused PrimaryNotRecovered",
    "stop_dr_cluster succeeded",
    "retry refused OperationNotFailed",
    "skip refused StepNotSkippable",
    "force begun",
    "force refused OperationInProgress",
    "forced over a healthy primary",
    "approve approved",
    "approve refused SelfApproval",
    "approve refused AlreadyApproved",
    "approve refused ApprovalNotNeeded",
    "failover failed ApprovalExpired",
    "cancel cancelled",
    "cancel refused PastPointOfNoReturn",
    "failover cancelled OperationCancelled",
    "deactivate vacated",
    "deactivate refused OperationInProgress",
    "holder recovered under a new token",
    "lease refused: not_before",
    "lease refused: holder_failed",
    "lease refused: stale_token",
    "lease without the authority",
    "work refused: not_holder",
    "work refused: stale_token",
    "work refused: not_before",
    "work refused: lease_expired",
    "work refused: draining",
    "work refused: superseded_attempt",
    "work refused: already_done",
    "work refused: authority_unreachable",
    "late heartbeat answer ignored",
    "completion repeated",
    "task taken back: pending",
    "task taken back: in_doubt",
)
"""Within a few hundred seeds."""

SELDOM: Final = (
    "retry begun",
    "failback cancelled OperationCancelled",
    "skip skipped",
    "force refused ForcedTooSoon",
    "superseded, judged again",
    "Azure answered OperationNotAllowed",
    "look_again_before_failback stopped: NotRunningOperation",
)
"""Within some thousands."""

SEEDS_FOR_SELDOM: Final = 5_000
SEEDS_FOR_OFTEN: Final = 300


def expected(seeds: int) -> tuple[str, ...]:
    """Return the places that so many seeds must reach."""
    if seeds < SEEDS_FOR_OFTEN:
        return ()
    return OFTEN + SELDOM if seeds >= SEEDS_FOR_SELDOM else OFTEN
