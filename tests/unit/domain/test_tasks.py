"""Where a running task goes when its gateway is lost (runbook section 3)."""

import pytest

from shared.domain.tasks import OnLostOwner, RotationConfig, TaskRefusal, TaskStatus, status_after_loss


@pytest.mark.parametrize(
    ("attempt", "status"),
    [(1, TaskStatus.PENDING), (2, TaskStatus.PENDING), (3, TaskStatus.FAILED), (4, TaskStatus.FAILED)],
)
def test_work_that_may_be_repeated_is_requeued_until_its_attempts_are_used_up(attempt: int, status: TaskStatus) -> None:
    assert status_after_loss(attempt=attempt, on_lost_owner=OnLostOwner.REQUEUE, max_attempts=3) is status


@pytest.mark.parametrize("attempt", [1, 3, 4])
def test_work_that_may_not_be_repeated_is_always_held_for_a_person(attempt: int) -> None:
    assert status_after_loss(attempt=attempt, on_lost_owner=OnLostOwner.HOLD, max_attempts=3) is TaskStatus.IN_DOUBT


def test_a_config_that_says_nothing_is_requeued_three_times_at_most() -> None:
    config = RotationConfig(id="rotate-db", environment="PRO", name="database password")

    assert (config.on_lost_owner, config.max_attempts) == (OnLostOwner.REQUEUE, 3)


def test_the_reasons_gateways_are_refused_with_keep_their_words() -> None:
    """Gateways act on these words: renaming one breaks them."""
    assert {reason.value for reason in TaskRefusal} == {
        "not_holder",
        "stale_token",
        "holder_failed",
        "not_before",
        "lease_expired",
        "draining",
        "superseded_attempt",
        "already_done",
        "authority_unreachable",
        "authority_regressed",
    }
