"""PostgreSQL as the steps see it: the fence mirror, leases, rotation configs and tasks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway
from shared.domain.guard import AuthorityReading, Caller, Mirror, Sync
from shared.domain.preflight import Replication
from shared.domain.refusals import JsonValue
from shared.domain.tasks import (
    Resolution,
    RotationConfig,
    Task,
    TaskCursor,
    TaskRefusal,
    TaskStatus,
    TaskVerdict,
    UnfinishedTasks,
)

ReadAuthority = Callable[[], AuthorityReading]
"""Reads the environment lock once, within 2 s; never raises for a store failure, it returns `Unreachable`."""


@dataclass(frozen=True, slots=True)
class LeaseGranted:
    """The caller's lease, extended: seconds it lasts from when the request was received."""

    lease_s: float


@dataclass(frozen=True, slots=True)
class WorkRefused:
    """The fence said no; nothing was changed."""

    reason: TaskRefusal


class Reported(Enum):
    """A report that was accepted."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"  # the same completion had been accepted before


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """What a gateway reports about a task it claimed."""

    task_id: str
    attempt: int
    status: TaskStatus  # RUNNING for progress, SUCCEEDED or FAILED for the end
    result: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResolved:
    """A decision about a task in doubt was accepted, now or (`repeated`) before."""

    before: Task
    after: Task
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNotResolved:
    """The task is not in doubt, and this is not the decision that ended its doubt; nothing was changed."""

    task: Task
    earlier: Resolution | None  # the newest decision about it


class WorkStore(Protocol):
    """The fence mirror, leases, rotation configs and tasks in PostgreSQL, on PostgreSQL's clock.

    Every guarded method is one transaction: lock the `environment_fence` row, then call `read_authority`, then
    `decide_guard`, then write. SyncFirst is handled inside: the mirror is brought up to date in a transaction of
    its own and the method starts over. Raises DatabaseUnavailable.
    """

    def ping(self) -> None:
        """Raise DatabaseUnavailable unless PostgreSQL answers, is writable and has the schema version wanted."""

    def replication(self) -> Replication:
        """Return how PostgreSQL's servers stand to each other, as far as the role may see it."""

    def mirror(self, environment: str) -> Mirror | None:
        """Return the environment's fence row, or None."""

    def sync_mirror(self, environment: str, read_authority: ReadAuthority) -> Sync:
        """Bring the mirror up to the authority, in one transaction that reads the authority itself.

        The only writer of token, holder, statuses, `not_before` and `validated_timeline`. It waits for open
        guarded transactions, raises (never lowers) the token, sets the copies of `activation_status`, and hands
        the unfinished tasks of the former token back (`pending`, `in_doubt` or `failed`, as their config says).
        """

    def copy_gateway(self, gateway: Gateway) -> None:
        """Keep a copy of the registration's identity, for the time Table Storage does not answer."""

    def copied_gateway(self, gateway_id: str) -> Gateway | None:
        """Return the copy (without liveness), or None."""

    def extend_lease(self, caller: Caller, read_authority: ReadAuthority) -> LeaseGranted | WorkRefused:
        """Grant or extend the holder's lease: `lease_until = greatest(lease_until, now + lease_s)`."""

    def claim(self, caller: Caller, read_authority: ReadAuthority, *, limit: int) -> Sequence[Task] | WorkRefused:
        """Give up to `limit` pending tasks, oldest first, to the caller; each gets its next attempt number.

        A short rest of the lease gets a short batch (`batch_within_lease`).
        """

    def report(self, caller: Caller, read_authority: ReadAuthority, report: TaskReport) -> Reported | WorkRefused:
        """Record progress or the end of a task. Raises UnknownTask.

        A repeated end with the same result is REPEATED; with another result it is refused as `already_done`.
        """

    def expire_tasks(self) -> Sequence[Task]:
        """Clean up tasks that ran `task_timeout_s` without progress (runbook section 3); return them as left."""

    def running_tasks(self, environment: str) -> int:
        """Return how many tasks of the environment are running."""

    def claimed_under(self, environment: str, token: FencingToken) -> int:
        """Return how many tasks were ever claimed under the token."""

    def pending_tasks(self, environment: str) -> int:
        """Return how many tasks of the environment wait to be claimed."""

    def unfinished_tasks(self) -> Mapping[str, UnfinishedTasks]:
        """Return how many tasks have not ended, by environment; one without any may be missing."""

    def tasks(
        self,
        environment: str,
        *,
        gateway_id: str,
        holder: bool,
        status: TaskStatus | None,
        limit: int,
        after: TaskCursor | None = None,
    ) -> Sequence[Task]:
        """Return the tasks of a gateway, newest first: those it claimed and, for the holder, the unclaimed ones."""

    def task_page(
        self, *, environment: str | None, status: TaskStatus | None, limit: int, after: TaskCursor | None
    ) -> Sequence[Task]:
        """Return tasks of one environment or of all, newest first, beginning after the cursor."""

    def resolve_task(self, task_id: str, verdict: TaskVerdict) -> TaskResolved | TaskNotResolved:
        """Leave a task in doubt as a person decided. Raises UnknownTask.

        Needs no fence: a task in doubt belongs to nobody, and nobody is given it before a claim.
        """

    def put_config(self, config: RotationConfig) -> None:
        """Create or replace a rotation config."""

    def config(self, config_id: str) -> RotationConfig | None:
        """Return a rotation config, or None."""

    def add_task(self, config: RotationConfig, *, task_id: str, idempotency_key: str, request_digest: str = "") -> Task:
        """Queue one execution of a config; the same idempotency key returns the task queued before.

        Raises:
            UnknownConfig: The config is gone.
            IdempotencyKeyReused: In this environment the key came with another config or body before.
        """
