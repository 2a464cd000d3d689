"""Both implementations of the WorkStore port, behind one set of fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.work.backends import POLICY, MemoryBackend, PostgresBackend, WorkBackend


@pytest.fixture(params=["memory", "postgres"])
def backend(request: pytest.FixtureRequest) -> Iterator[WorkBackend]:
    """One implementation, empty, with the means to move its clock and its timeline.

    PostgreSQL is worked with as in a deployment: by a role that may do no more than `infra/sql/grants.sql` says.
    """
    if request.param == "memory":
        yield MemoryBackend(POLICY)
        return
    deployed = request.getfixturevalue("deployed_database")
    with PostgresBackend(deployed.admin_url, POLICY, work_url=deployed.app_url) as postgres:
        yield postgres
