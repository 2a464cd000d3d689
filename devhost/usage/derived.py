"""What the local host cannot show, derived from how Durable Functions and the Functions host are documented to work.

The local host keeps orchestrations in a file, so their queues and tables are not there to be counted. Sources:
"Azure Storage provider (Azure Functions)" and "Task hubs in Durable Functions" in Microsoft's documentation for queues
and tables; issue 391 of Azure/azure-functions-durable-extension for the scale controller; `TablePartitionManager` of
Azure/durabletask; `PrimaryHostCoordinator` of Azure/azure-functions-host and `SingletonManager` of
Azure/azure-webjobs-sdk for leases.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from devhost.usage.figures import Piece

HOST_JSON: Final = Path(__file__).resolve().parents[2] / "host.json"
PER_MESSAGE: Final = 3  # put, get, delete
PER_EPISODE: Final = 3  # load the history, append to it, update the instance
PER_START: Final = 2  # ask whether the instance runs, create it
SCALE_CONTROLLER_CALLS: Final = 2  # per queue: peek and metadata
SCALE_CONTROLLER_EVERY_S: Final = 10.0
PARTITION_CALLS: Final = 2  # read the partition table, renew the lease
PARTITION_EVERY_S: Final = 10.0
TIMER_LEASE_RENEWED_EVERY_S: Final = 30.0  # half of the listener's lock period of 60 s
HOST_LEASE_RENEWED_EVERY_S: Final = 12.0  # three seconds before its 15 s are over


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRequests:
    """Requests to the host's storage account, which the platform and its extensions send. Derived, not counted."""

    queue: float = 0.0
    table: float = 0.0
    blob: float = 0.0

    def __add__(self, other: HostRequests) -> HostRequests:
        return HostRequests(
            queue=self.queue + other.queue, table=self.table + other.table, blob=self.blob + other.blob
        )  # fmt: skip

    def times(self, factor: float) -> HostRequests:
        """Return this so many times."""
        return HostRequests(queue=self.queue * factor, table=self.table * factor, blob=self.blob * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """What `host.json` says about the task hub."""

    partitions: int
    longest_poll_s: float

    @property
    def queues(self) -> int:
        """One control queue per partition and the queue of activities."""
        return self.partitions + 1


def hub_settings(file: Path = HOST_JSON) -> HubSettings:
    """Return the settings of the task hub as they are shipped."""
    provider = json.loads(file.read_text(encoding="utf-8"))["extensions"]["durableTask"]["storageProvider"]
    hours, minutes, seconds = (float(part) for part in provider["maxQueuePollingInterval"].split(":"))
    longest = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return HubSettings(partitions=int(provider["partitionCount"]), longest_poll_s=longest.total_seconds())


def of_operation(piece: Piece, hub: HubSettings) -> HostRequests:
    """Return what the orchestration of an operation asks of its queues and tables, and the polling while it runs."""
    if not piece.activities:
        return HostRequests()
    messages = piece.episodes + piece.activities  # each episode is started by a message, each activity by one
    own = HostRequests(queue=PER_MESSAGE * messages, table=PER_EPISODE * piece.episodes + PER_START)
    return own + of_awake_worker(hub).times(piece.lasts_s)


def of_awake_worker(hub: HubSettings) -> HostRequests:
    """Return what a Durable worker without work asks per second while its instance is up."""
    return HostRequests(
        queue=hub.queues / hub.longest_poll_s, table=PARTITION_CALLS * hub.partitions / PARTITION_EVERY_S
    )  # fmt: skip


def of_idle_host(hub: HubSettings, *, timers: int) -> HostRequests:
    """Return what the platform asks per second of an app whose timers run and whose Durable worker sleeps."""
    looks = SCALE_CONTROLLER_CALLS * hub.queues / SCALE_CONTROLLER_EVERY_S
    leases = timers / TIMER_LEASE_RENEWED_EVERY_S + 1 / HOST_LEASE_RENEWED_EVERY_S
    return HostRequests(queue=looks, blob=leases)
