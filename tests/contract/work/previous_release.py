"""The release before a schema version, as its named SQL: kept in `previous/<version>/`, run against the newest schema.

A release is rolled out while the one before it still runs, on a schema that has been expanded already. When a release
is cut that brings a migration, copy `shared/adapters/sql/queries` as it was before into a folder named after the last
migration that release knew.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from shared.adapters.named_sql import parse

FOLDER = Path(__file__).with_name("previous")
ENVIRONMENT, HOLDER, OTHER = "PRO", "gw-pro-primary", "gw-pro-dr"


def known_versions() -> list[int]:
    """Return the last migration of each release that is kept."""
    return sorted(int(folder.name) for folder in FOLDER.iterdir())


def statements_of(version: int) -> Mapping[str, str]:
    """Return the release's statements as `file.name`."""
    return {
        f"{path.stem}.{name}": text
        for path in sorted((FOLDER / f"{version:04}").glob("*.sql"))
        for name, text in parse(path.read_text(encoding="utf-8"), source=path.name).items()
    }


class PreviousRelease:
    """One session of the release. `ran` names the statements it has run."""

    def __init__(self, url: str, version: int) -> None:
        self.statements = statements_of(version)
        self.ran: set[str] = set()
        self._connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        limits = {"lock_ms": "4000", "longest_ms": "5000"}
        self.run("connection.limit_session", **limits)

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def run(self, name: str, /, **parameters: object) -> list[dict[str, Any]]:
        """Run one statement by its name and return its rows."""
        self.ran.add(name)
        cursor = self._connection.execute(self.statements[name], parameters)
        return cursor.fetchall() if cursor.description else []

    def put_config(self, config_id: str, *, on_lost_owner: str = "requeue") -> None:
        """Store a rotation config."""
        self.run(
            "configs.put_config", config_id=config_id, environment=ENVIRONMENT, name="rotation",
            on_lost_owner=on_lost_owner, max_attempts=3, payload=Jsonb({"secret": "db"}),
        )  # fmt: skip

    def add_task(self, task_id: str, config_id: str, *, key: str) -> list[dict[str, Any]]:
        """Queue a task, unless the key queued one before."""
        return self.run(
            "tasks.insert_task", task_id=task_id, environment=ENVIRONMENT, config_id=config_id, request_key=key,
            payload=Jsonb({}),
        )  # fmt: skip

    def found_fence(self, token: int) -> None:
        """Make the first mirror."""
        self.run("fence.lock_missing_fence", environment=ENVIRONMENT)
        self.run("fence.insert_fence", environment=ENVIRONMENT, token=token, holder=HOLDER, timeline=self.timeline)

    def raise_fence(self, token: int, holder: str) -> list[dict[str, Any]]:
        """Raise the fence without a wait; return the tasks that were handed back."""
        self.run("fence.lock_fence_for_raise", environment=ENVIRONMENT)
        self.run(
            "fence.raise_fence", environment=ENVIRONMENT, token=token, holder=holder, not_before=None,
            timeline=self.timeline,
        )  # fmt: skip
        return self.run("tasks.hand_back_lost_tasks", environment=ENVIRONMENT, token=token)

    def lease(self, token: int, holder: str = HOLDER) -> None:
        """Extend the holder's lease."""
        self.run("fence.lock_fence_for_lease", environment=ENVIRONMENT)
        self.run("fence.extend_lease", environment=ENVIRONMENT, token=token, gateway_id=holder, lease_s=60)

    def claim(self, token: int, holder: str = HOLDER) -> list[dict[str, Any]]:
        """Claim what there is."""
        self.run("fence.lock_fence_for_work", environment=ENVIRONMENT)
        return self.run("tasks.claim_tasks", environment=ENVIRONMENT, token=token, gateway_id=holder, limit=10)

    def report(self, task: Mapping[str, Any], status: str) -> list[dict[str, Any]]:
        """Report on a claimed task."""
        return self.run(
            "tasks.report_task", task_id=task["id"], environment=ENVIRONMENT, attempt=task["attempt"],
            token=task["fencing_token"], gateway_id=task["gateway_id"], status=status, result=Jsonb({}),
        )  # fmt: skip

    @property
    def timeline(self) -> str:
        """The database's timeline."""
        return str(self.run("connection.read_clock")[0]["timeline"])
