"""Inside PostgreSQL: the authority is read with the fence row in hand, and each statement looks at the fence itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from psycopg import errors

from shared.adapters.named_sql import load
from shared.domain.tasks import TaskStatus
from shared.ports import TaskReport
from tests.contract.work.backends import (
    DR,
    POLICY,
    PRIMARY,
    PRO,
    Authority,
    PostgresBackend,
    caller,
    claimed,
    config,
    granted,
    queue,
    working,
)

SQL = load("tasks")
Call = Callable[[PostgresBackend, Authority], object]

CALLS: dict[str, Call] = {
    "a heartbeat": lambda backend, authority: backend.store.extend_lease(caller(), authority),
    "a claim": lambda backend, authority: backend.store.claim(caller(), authority, limit=1),
    "a report": lambda backend, authority: backend.store.report(caller(), authority, done("t1")),
    "a raise": lambda backend, authority: backend.store.sync_mirror(
        PRO, replace(authority, lock=granted(200, DR).lock)
    ),
}


def done(task_id: str) -> TaskReport:
    return TaskReport(task_id=task_id, attempt=1, status=TaskStatus.SUCCEEDED, result={})


@pytest.mark.parametrize("call", CALLS)
def test_the_authority_is_read_with_the_fence_row_in_hand(database_url: str, call: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend:
        authority = granted()
        working(backend.store, authority)
        queue(backend.store, config(), "t1", "t2")
        claimed(backend.store.claim(caller(), authority, limit=1))
        in_hand: list[bool] = []
        CALLS[call](
            backend, Authority(lock=authority.lock, before_read=lambda: in_hand.append(is_locked(database_url)))
        )
        assert in_hand == [True]


def is_locked(url: str) -> bool:
    with psycopg.connect(url) as other:
        try:
            other.execute("select 1 from environment_fence where environment = %s for update nowait", (PRO,))
        except errors.LockNotAvailable:
            return True
        return False


WRONG = [{"token": 99, "gateway_id": PRIMARY}, {"token": 100, "gateway_id": DR}]


@pytest.mark.parametrize("wrong", WRONG, ids=["another token", "another gateway"])
def test_the_statement_of_a_claim_looks_at_the_fence_itself(database_url: str, wrong: dict[str, object]) -> None:
    with PostgresBackend(database_url, POLICY) as backend, psycopg.connect(database_url) as connection:
        working(backend.store, granted())
        queue(backend.store, config(), "t1")
        right = {"environment": PRO, "token": 100, "gateway_id": PRIMARY, "limit": 1}
        assert connection.execute(SQL["claim_tasks"], {**right, **wrong}).rowcount == 0
        assert connection.execute(SQL["claim_tasks"], right).rowcount == 1


def test_the_statement_of_a_report_looks_at_the_fence_itself(database_url: str) -> None:
    with PostgresBackend(database_url, POLICY) as backend, psycopg.connect(database_url) as connection:
        authority = granted()
        who = working(backend.store, authority)
        queue(backend.store, config(), "t1")
        claimed(backend.store.claim(who, authority, limit=1))
        report = {
            "environment": PRO, "token": 100, "gateway_id": PRIMARY, "task_id": "t1", "attempt": 1,
            "status": "succeeded", "result": "{}",
        }  # fmt: skip
        # The task's own claim fits; only the fence has moved on.
        backend.sql_without_triggers("update environment_fence set fencing_token = 101")
        assert connection.execute(SQL["report_task"], report).rowcount == 0
        backend.sql_without_triggers("update environment_fence set fencing_token = 100")
        assert connection.execute(SQL["report_task"], report).rowcount == 1
