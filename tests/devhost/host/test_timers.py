"""Timer functions run on their schedules and make up for downtime once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from devhost.host.journal import Journal
from devhost.host.records import TickRecord
from tests.devhost.host.conftest import MakeHost
from tests.devhost.host.running import Host


def wait_for(host: Host, line: str, times: int = 1) -> None:
    deadline = time.monotonic() + 10
    while host.runs.count(line) < times:
        assert time.monotonic() < deadline, (host.runs, host.log)
        time.sleep(0.02)


def test_a_fractional_interval_fires_again_and_again_without_overlap(make_host: MakeHost) -> None:
    host = make_host("timers", EVERY="00:00:00.200").start()
    wait_for(host, "often-end", times=3)
    often = [line.split()[0] for line in host.runs if line.startswith("often")]
    assert often[:6] == ["often-start", "often-end"] * 3


def test_run_on_startup_fires_at_start_and_a_failure_is_only_logged(make_host: MakeHost) -> None:
    host = make_host("timers", EVERY="0 0 0 1 1 *").start()
    wait_for(host, "yearly False")
    assert host.call("GET", "/").status == 200
    assert host.call("POST", "/admin/functions/yearly", {"input": ""}).status == 202
    wait_for(host, "yearly False", times=2)


def test_a_tick_missed_while_the_host_was_down_fires_once_as_past_due(make_host: MakeHost) -> None:
    host = make_host("timers", EVERY="0 0 0 1 1 *").start()
    wait_for(host, "yearly False")
    host.stop()
    assert "hourly" not in "".join(host.runs)
    journal = Journal(host.folder / "journal.db")
    first_start = journal.tick("hourly")
    assert first_start is not None
    assert first_start.last_at is None
    ran_at = datetime.now(UTC) - timedelta(hours=5)
    journal.record_tick("hourly", TickRecord(last_at=ran_at, next_at=ran_at + timedelta(hours=1), updated_at=ran_at))
    journal.close()
    host.start()
    wait_for(host, "hourly True True")
    time.sleep(0.3)
    assert [line for line in host.runs if line.startswith("hourly")] == ["hourly True True"]
    host.stop()
    host.start()
    time.sleep(0.3)
    assert [line for line in host.runs if line.startswith("hourly")] == ["hourly True True"]
