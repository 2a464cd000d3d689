"""What the stores hold, read past the API: the proof that a refusal changes nothing and a failover one thing."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import psycopg
from azure.data.tables import EntityProperty, TableServiceClient
from psycopg.rows import dict_row

from tests.e2e.running_lab import RunningLab, shown
from tests.e2e.waiting import eventually

BY_HEARTBEATS = frozenset({"last_heartbeat", "streak_started_at", "streak_beats", "token_seen"})
"""What the gateways' own heartbeats change in their rows, all the time."""
QUIET_TRIES = 40
"""The lab keeps its gateways in work, so a task may change while we look; most of the time none does."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores of a running lab."""

    lab: RunningLab
    tables: TableServiceClient
    database: "psycopg.Connection[Row]"

    def lock(self, environment: str) -> Row:
        """Return the environment lock as it is stored, its version included."""
        entity = self.tables.get_table_client("environmentlocks").get_entity(environment, "lock")
        return {**_plain(entity), "etag": entity.metadata["etag"]}

    def gateways(self, environment: str) -> dict[str, Row]:
        """Return the registrations of an environment, heartbeats included, by gateway id."""
        return {row["RowKey"]: row for row in self._partition("gateways", environment)}

    def operations(self, environment: str) -> list[Row]:
        """Return every operation of an environment, newest first."""
        return self._partition("operations", environment)

    def audit(self, environment: str) -> list[Row]:
        """Return every audit entry of an environment, newest first."""
        return self._partition("auditentries", environment)

    def fence(self, environment: str) -> Row:
        """Return the mirror of the environment lock."""

        def read() -> Row | None:
            found = self.database.execute("select * from environment_fence where environment = %s", [environment])
            return found.fetchone()

        # The first heartbeat, or the reconciler, raises it a moment after the lock was founded.
        row = eventually(read, lambda found: found is not None, what=f"a fence of {environment}", within_s=10)
        assert row is not None
        return row

    def tasks(self, environment: str) -> list[Row]:
        """Return every task of an environment."""
        query = "select * from tasks where environment = %s order by created_at, id"
        return self.database.execute(query, [environment]).fetchall()

    def look(self, environment: str) -> Row:
        """Return all that a refusal must leave alone, tasks apart; what heartbeats change is left out."""
        every = self.lab.http.get(f"{self.lab.facts['arm_http_url']}/_lab/clusters").json()
        own = self.lab.facts["environments"][environment].values()
        configs = self.database.execute("select * from rotation_configs order by id").fetchall()
        return {
            "lock": self.lock(environment),
            "gateways": {
                name: {key: value for key, value in row.items() if key not in BY_HEARTBEATS}
                for name, row in self.gateways(environment).items()
            },
            "operations": self.operations(environment),
            "audit": self.audit(environment),
            "fence": {key: value for key, value in self.fence(environment).items() if key != "lease_until"},
            "rotation_configs": configs,
            "clusters": [cluster for cluster in every if cluster["id"] in own],
        }

    def unchanged_by(self, environment: str, call: Callable[[], httpx2.Response]) -> httpx2.Response:
        """Make a call and return its answer. Raises AssertionError when anything changed by it.

        The call is repeated until no task changed meanwhile by the gateways' own work; everything else must be
        untouched by every one of the calls.
        """
        self.settled(environment)
        for _ in range(QUIET_TRIES):
            tasks, before = self.tasks(environment), self.look(environment)
            answer = call()
            after = self.look(environment)
            for part, value in before.items():
                assert after[part] == value, (
                    f"{part} changed by {shown(answer)}\nbefore: {_text(value)}\nafter: {_text(after[part])}"
                )
            if self.tasks(environment) == tasks:
                return answer
        raise AssertionError(f"tasks changed at each of {QUIET_TRIES} calls like {shown(answer)}")

    def settled(self, environment: str) -> Row:
        """Return what the stores hold as soon as two looks agree: the end of an operation takes several writes."""

        def twice() -> tuple[Row, Row]:
            return self.look(environment), self.look(environment)

        agreed = eventually(twice, lambda pair: pair[0] == pair[1], what=f"{environment} to settle", within_s=20)
        return agreed[0]

    def _partition(self, table: str, environment: str) -> list[Row]:
        query = f"PartitionKey eq '{environment}'"
        return [_plain(entity) for entity in self.tables.get_table_client(table).query_entities(query)]


@contextmanager
def open_stores(lab: RunningLab) -> Iterator[Stores]:
    """Yield the stores of a lab."""
    url, tables = str(lab.facts["database_url"]), str(lab.facts["tables_connection_string"])
    with (
        TableServiceClient.from_connection_string(tables) as client,
        psycopg.Connection[Row].connect(url, autocommit=True, row_factory=dict_row) as database,
    ):
        yield Stores(lab=lab, tables=client, database=database)


def _plain(entity: Mapping[str, Any]) -> Row:
    return {name: value.value if isinstance(value, EntityProperty) else value for name, value in entity.items()}


def _text(value: object) -> str:
    return json.dumps(value, indent=2, default=str)
