"""One rig for all cases: only the environments of the cases that were chosen are prepared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from shared.domain.operations import OperationKind
from tests.e2e.kills.cases import UNTOUCHED
from tests.e2e.kills.final_state import final_state
from tests.e2e.kills.rig import Rig
from tests.e2e.kills.surroundings import surroundings


@pytest.fixture(scope="package")  # its hosts must not tick on beside everybody else's tests
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A running control plane in which the primary of every environment has just fallen silent."""
    chosen = [item.callspec.params.get("kill") for item in request.session.items if hasattr(item, "callspec")]
    used = [UNTOUCHED, *dict.fromkeys(kill.environment for kill in chosen if kill is not None)]
    folder = tmp_path_factory.mktemp("kills")
    with surroundings(folder, used) as around:
        rig = Rig(folder, around, used)
        try:
            rig.start()
            yield rig
        finally:
            rig.stop()


@pytest.fixture(scope="package")
def uninterrupted(rig: Rig) -> Mapping[OperationKind, Mapping[str, object]]:
    """The final states of a failover and a failback during which nothing was killed."""
    failover = rig.carried_out(UNTOUCHED, OperationKind.FAILOVER)
    states = {OperationKind.FAILOVER: final_state(rig, UNTOUCHED, failover)}
    rig.with_primary_back(UNTOUCHED)
    failback = rig.carried_out(UNTOUCHED, OperationKind.FAILBACK)
    states[OperationKind.FAILBACK] = final_state(rig, UNTOUCHED, failback)
    return states
