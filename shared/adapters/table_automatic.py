"""The automatic failovers of all environments, in one row of Table Storage: one conditional write limits them."""

from typing import Final

from shared.adapters.codec import Codec, Fields, Key, Properties, in_parts, instant, instant_text, json_text
from shared.adapters.table_records import TableRecords
from shared.adapters.table_rows import TableRows
from shared.domain.automatic import AutomaticRun, AutomaticRuns
from shared.domain.locks import Versioned

RUNS_KEY: Final = Key(partition="automatic", row="runs")


class TableAutomaticStore:
    """`AutomaticStore` over the table `automaticfailovers`, which has one row."""

    def __init__(self, rows: TableRows) -> None:
        self._records = TableRecords(rows, RUNS)

    def read(self) -> Versioned[AutomaticRuns] | None:
        """Return the runs, or None before the first."""
        return self._records.read(RUNS_KEY)

    def write(self, runs: AutomaticRuns, *, etag: str | None) -> Versioned[AutomaticRuns]:
        """Insert (etag None) or replace the runs; Conflict on any other version."""
        return self._records.insert(runs) if etag is None else self._records.replace(runs, etag=etag)


def _encode(runs: AutomaticRuns) -> Properties:
    running = [
        {
            "environment": run.environment, "operation_id": run.operation_id, "lock_etag": run.lock_etag,
            "began_at": instant_text(run.began_at),
        }
        for run in runs.running
    ]  # fmt: skip
    last_began = {name: instant_text(at) for name, at in sorted(runs.last_began.items())}
    # One entry per environment, of which there may be more than one property holds.
    return {"running": json_text(running), **in_parts("last_began", json_text(last_began))}


def _decode(_: Key, properties: Properties) -> AutomaticRuns:
    row = Fields("automatic failovers", properties)
    return AutomaticRuns(
        running=tuple(
            AutomaticRun(
                environment=run.text("environment"), operation_id=run.text("operation_id"),
                lock_etag=run.text("lock_etag"), began_at=run.instant("began_at"),
            )
            for run in row.objects("running")
        ),
        last_began={name: instant(str(at)) for name, at in row.joined("last_began").items()},
    )  # fmt: skip


RUNS: Final = Codec(key=lambda _: RUNS_KEY, encode=_encode, decode=_decode)
