"""One rig for all cases of a file: only the environments of the cases that were chosen are prepared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.kills.cases import UNTOUCHED
from tests.e2e.kills.rig import Rig
from tests.e2e.kills.surroundings import Numbers, surroundings


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    """What the control plane of a file runs with; a file that needs others has a fixture of its own."""
    return Numbers()


@pytest.fixture(scope="module")  # its hosts must not tick on beside everybody else's tests
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, numbers: Numbers) -> Iterator[Rig]:
    """A running control plane in which the primary of every environment beats and holds it."""
    own = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    chosen = [item.callspec.params.get("kill") for item in own if hasattr(item, "callspec")]
    used = [UNTOUCHED, *dict.fromkeys(kill.environment for kill in chosen if kill is not None)]
    folder = tmp_path_factory.mktemp("kills")
    with surroundings(folder, used) as around:
        rig = Rig(folder, around, used, numbers)
        try:
            rig.start()
            yield rig
        finally:
            rig.stop()
