"""One lab for all end-to-end tests of this folder: the runbook's story in PRO, everything else in NPR.

The runbook's story is mostly waiting (90 s of hold time), so it is started first and read last.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.environment import LabEnvironment
from tests.e2e.runbook_run import RunbookRun, run_runbook
from tests.e2e.running_lab import ROOT, RunningLab, running_lab
from tests.e2e.stores import Stores, open_stores
from tests.otlp_collector import Collector, collecting

HERE = Path(__file__).parent
ORDER = (
    "test_refusals.py",  # needs an environment that was never failed over
    "test_access.py",
    "test_operations.py",
    "test_evidence.py",
    "test_traces.py",
    "test_refusals_after_failover.py",
    "test_alerts.py",
    "test_notifications.py",
    "test_stand_ins.py",
    "test_postgres_outage.py",
    "test_runbook.py",  # by now the story has ended
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the tests of this folder into `ORDER`; every other test keeps its place."""
    places = [place for place, item in enumerate(items) if item.path.parent == HERE]
    ours = sorted(
        (items[place] for place in places),
        key=lambda item: ORDER.index(item.path.name) if item.path.name in ORDER else 0,
    )
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """What the shared lab sends its traces to."""
    with collecting() as running:
        yield running


@pytest.fixture(scope="session")
def lab(collector: Collector) -> Iterator[RunningLab]:
    """A running lab at the default speed, in a folder inside the checkout."""
    with running_lab(ROOT / ".lab" / "e2e", "--traces", collector.url) as lab:
        yield lab


@pytest.fixture(autouse=True)
def story_begins(request: pytest.FixtureRequest) -> None:
    """Begin the runbook's story before the first test of this folder, if a selected test is going to read it."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    if request.path.parent == HERE and "runbook_run" in wanted:
        request.getfixturevalue("runbook_run")


@pytest.fixture(scope="session")
def runbook_run(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunbookRun]:
    """The runbook being typed in PRO, in a process of its own."""
    with run_runbook(lab, "PRO", tmp_path_factory.mktemp("runbook")) as run:
        yield run


@pytest.fixture(scope="session")
def stores(lab: RunningLab) -> Iterator[Stores]:
    """The shared lab's stores."""
    with open_stores(lab) as opened:
        yield opened


@pytest.fixture(scope="session")
def npr(lab: RunningLab, stores: Stores) -> LabEnvironment:
    """The environment in which everything but the runbook's story happens."""
    return LabEnvironment(name="NPR", lab=lab, stores=stores)
