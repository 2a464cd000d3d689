"""The fake Resource Manager, once for all tests here; every test takes clusters of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.devhost.fakes.azure_clusters import START_S, STOP_S, AnyToken, Azure, aks_client, resource_id
from tests.devhost.fakes.running import running

CLUSTER_COUNT = 100


@pytest.fixture(scope="session")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder: Path = tmp_path_factory.mktemp("arm")
    declared: list[str] = []
    for number in range(CLUSTER_COUNT):
        for power in ("stopped", "running"):
            declared += ["--cluster", f"{resource_id(f'{power}-{number}')}={power}"]
    arguments = ["--certificates", str(folder), "--start-s", str(START_S), "--stop-s", str(STOP_S)]
    with running("devhost.fakes.arm", [*arguments, "--command-s", "0.2", *declared], folder) as ready:
        yield ready


@pytest.fixture(scope="session")
def unused() -> Iterator[int]:
    """Count up the clusters that the tests have taken."""
    return iter(range(CLUSTER_COUNT))


@pytest.fixture
def azure_cluster(arm: dict[str, str], unused: Iterator[int]) -> Iterator[Callable[[str], Azure]]:
    """Give a function that returns a cluster nobody else uses, `stopped` or `running`."""
    with aks_client(arm, AnyToken()) as client, httpx2.Client(base_url=arm["http_url"]) as lab:
        yield lambda power: Azure(name=f"{power}-{next(unused)}", client=client, lab=lab)


@pytest.fixture
def stopped(azure_cluster: Callable[[str], Azure]) -> Azure:
    return azure_cluster("stopped")


@pytest.fixture
def started(azure_cluster: Callable[[str], Azure]) -> Azure:
    return azure_cluster("running")
