"""What a cluster's two states mean together: a stopped cluster reports `Succeeded` as well."""

import pytest

from shared.domain.clusters import ClusterState, PowerState

RUNNING, STOPPED = PowerState.RUNNING, PowerState.STOPPED


@pytest.mark.parametrize(
    ("power", "provisioning", "ready", "stopped", "in_transition"),
    [
        (RUNNING, "Succeeded", True, False, False),
        (STOPPED, "Succeeded", False, True, False),
        (None, "Succeeded", False, False, False),
        (RUNNING, "Starting", False, False, True),
        (STOPPED, "Starting", False, False, True),
        (RUNNING, "Stopping", False, False, True),
        (STOPPED, "Stopping", False, False, True),
        (RUNNING, "Updating", False, False, True),
        (RUNNING, "Failed", False, False, False),
        (STOPPED, "Failed", False, True, False),
        (STOPPED, "Canceled", False, False, False),
        (RUNNING, "A state of a later API version", False, False, True),
    ],
)
def test_power_and_provisioning_state_are_read_together(
    power: PowerState | None, provisioning: str, ready: bool, stopped: bool, in_transition: bool
) -> None:
    state = ClusterState(power=power, provisioning=provisioning)

    assert (state.ready, state.stopped, state.in_transition) == (ready, stopped, in_transition)


def test_people_read_both_states_as_the_portal_shows_them() -> None:
    assert ClusterState(power=STOPPED, provisioning="Succeeded").describe() == "Stopped / Succeeded"
    assert ClusterState(power=None, provisioning="Creating").describe() == "unknown power state / Creating"
