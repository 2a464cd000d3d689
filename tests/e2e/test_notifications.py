"""People are told of a failover in order and once, and receivers that misbehave change nothing but that."""

from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from shared.adapters.receivers import ATTEMPT_S
from tests.e2e.environment import LabEnvironment
from tests.e2e.inbox import Inbox
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(240)

CAUGHT_UP_WITHIN_S = 75.0  # an attempt that hangs, and the longest pause after it
MORE_MEMORY_BYTES = 15 * 1024 * 1024  # less than two of the answers of 10 MB that come meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A failover: the newest event before it, and how long it took to execute, in seconds."""

    after: int
    execute_s: float


@pytest.fixture(scope="module")
def inbox(npr: LabEnvironment) -> Iterator[Inbox]:
    found = Inbox(lab=npr.lab, environment=npr.name)
    yield found
    found.mode(webhook="ok", slack="ok", teams="ok", pagerduty="ok")


def failover(npr: LabEnvironment, inbox: Inbox) -> Story:
    """Let the primary die and fail over to a cold cluster."""
    npr.with_active_primary()
    after = inbox.newest()
    npr.with_failed_primary()
    npr.with_stopped_dr_cluster()
    npr.carried_out(npr.activate_dr)
    newest = npr.lab.get(f"admin/environments/{npr.name}/history?kind=failover")["value"][0]
    report = npr.lab.get(f"admin/operations/{newest['id']}/report")
    return Story(after=after, execute_s=float(report["recovery_time"]["execute_seconds"]))


@pytest.fixture(scope="module")
def told(npr: LabEnvironment, inbox: Inbox) -> Story:
    """A failover, and the failback after it, while every receiver answers."""
    story = failover(npr, inbox)
    npr.with_active_primary()
    return story


def arrived(inbox: Inbox, after: int) -> tuple[list[int], list[int]]:
    """Return the numbers of the events that came, in the order in which they came first, and those that must."""
    numbers = [int(event["sequence"]) for event in inbox.webhooks(after=after)]
    return list(dict.fromkeys(numbers)), inbox.expected(after=after)


def all_arrive_in_order(inbox: Inbox, after: int) -> None:
    came, wanted = eventually(
        lambda: arrived(inbox, after),
        lambda both: set(both[1]) <= set(both[0]),
        what="every event that people are told of to arrive",
        within_s=CAUGHT_UP_WITHIN_S,
    )
    assert came == wanted
    assert wanted


def test_every_event_is_told_once_in_order_under_a_signature(told: Story, inbox: Inbox) -> None:
    all_arrive_in_order(inbox, told.after)
    events = inbox.webhooks(after=told.after)
    assert len({event["id"] for event in events}) == len(events)
    refused = [one for one in inbox.read()["messages"] if one["faults"]]
    assert refused == []  # neither a signature nor the form of any message


def test_the_failure_is_one_page_from_trigger_to_resolve_and_one_thread(told: Story, inbox: Inbox) -> None:
    all_arrive_in_order(inbox, told.after)
    failure = [one for one in inbox.webhooks(after=told.after) if "/primary-failed/" in one.get("incident", "")]
    assert len({one["incident"] for one in failure}) == 1, failure
    key = f"mazevault-dr:{failure[0]['incident']}"
    actions = eventually(
        lambda: list(inbox.read()["incidents"].get(key, [])),
        lambda done: done[-1:] == ["resolve"],
        what=f"{key} to be resolved",
        within_s=CAUGHT_UP_WITHIN_S,
    )
    assert actions[0] == "trigger"
    assert "acknowledge" in actions
    assert actions.count("resolve") == 1
    threads = eventually(
        lambda: sorted(inbox.slack_threads(failure)), bool, what="Slack to be told", within_s=CAUGHT_UP_WITHIN_S
    )
    assert len(threads) == 1, threads


def test_receivers_that_misbehave_change_neither_recovery_time_nor_memory(
    npr: LabEnvironment, told: Story, inbox: Inbox
) -> None:
    all_arrive_in_order(inbox, told.after)
    host = psutil.Process(npr.lab.facts["pids"]["host"])
    before_bytes = host.memory_info().rss
    attempts = inbox.read()["attempts"]
    inbox.mode(webhook="flood", slack="fail", teams="hang", pagerduty="drip")

    without = failover(npr, inbox)

    more_bytes = host.memory_info().rss - before_bytes
    tried = inbox.read()["attempts"]
    assert all(tried[receiver] > attempts[receiver] for receiver in attempts), tried
    assert arrived(inbox, without.after)[0] == []
    # Had anything waited for a receiver, it would have waited for a whole attempt.
    assert without.execute_s < told.execute_s + ATTEMPT_S / 2, (without, told)
    assert more_bytes < MORE_MEMORY_BYTES, more_bytes

    inbox.mode(webhook="ok", slack="ok", teams="ok", pagerduty="ok")
    all_arrive_in_order(inbox, without.after)
