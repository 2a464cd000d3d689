"""Both implementations of the WorkStore port, behind one set of fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.work.backends import POLICY, MemoryBackend, PostgresBackend, WorkBackend


@pytest.fixture(params=["memory", "postgres"])
def backend(request: pytest.FixtureRequest) -> Iterator[WorkBackend]:
    """One implementation, empty, with the means to move its clock and its timeline."""
    if request.param == "memory":
        yield MemoryBackend(POLICY)
        return
    with PostgresBackend(request.getfixturevalue("database_url"), POLICY) as postgres:
        yield postgres
