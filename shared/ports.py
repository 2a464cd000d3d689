"""What the steps need from the world: one Protocol per store or service, and the record that carries them all.

No port has an unconditional write of a lock: a record is inserted if absent or replaced at the version it was
read at. Every method may raise the `Unavailable` fault of its store; a store failure never becomes permission.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from shared.domain.audit import AuditEntry
from shared.domain.clusters import ClusterRequest, ClusterState
from shared.domain.environments import Environment
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway
from shared.domain.guard import AuthorityReading, Caller, Mirror, Sync
from shared.domain.health import Sight
from shared.domain.locks import EnvironmentLock, Versioned
from shared.domain.operations import Operation
from shared.domain.policy import Policy
from shared.domain.refusals import JsonValue
from shared.domain.tasks import Resolution, RotationConfig, Task, TaskCursor, TaskRefusal, TaskStatus, TaskVerdict

ReadAuthority = Callable[[], AuthorityReading]
"""Reads the environment lock once, within 2 s; never raises for a store failure, it returns `Unreachable`."""


class LockStore(Protocol):
    """Environment locks in Table Storage. Raises LockStoreUnavailable, Conflict, OutcomeUnknown."""

    def read(self, environment: str) -> Versioned[EnvironmentLock] | None:
        """Return the lock with its version, or None when the environment never had one."""

    def insert(self, lock: EnvironmentLock) -> Versioned[EnvironmentLock]:
        """Create the lock. Raises Conflict when it exists."""

    def replace(self, lock: EnvironmentLock, *, etag: str) -> Versioned[EnvironmentLock]:
        """Replace the lock read at `etag`. Raises Conflict on any other version; the caller reads back."""


class GatewayStore(Protocol):
    """Registrations and liveness in Table Storage, partitioned by environment."""

    def read(self, environment: str, gateway_id: str) -> Versioned[Gateway] | None:
        """Return one gateway, or None."""

    def list(self, environment: str) -> Sequence[Gateway]:
        """Return the gateways of an environment, primary first, then by id."""

    def insert(self, gateway: Gateway) -> Versioned[Gateway]:
        """Create a registration. Raises Conflict when it exists."""

    def replace(self, gateway: Gateway, *, etag: str) -> Versioned[Gateway]:
        """Replace the registration read at `etag`. Raises Conflict on any other version."""


class OperationStore(Protocol):
    """Operations in Table Storage. The environment is part of an operation's id."""

    def read(self, operation_id: str) -> Versioned[Operation] | None:
        """Return the operation, or None."""

    def list(self, environment: str, *, limit: int) -> Sequence[Operation]:
        """Return the newest operations of an environment, newest first."""

    def insert(self, operation: Operation) -> Versioned[Operation]:
        """Create the record. Raises Conflict when it exists."""

    def replace(self, operation: Operation, *, etag: str) -> Versioned[Operation]:
        """Replace the record read at `etag`. Raises Conflict on any other version."""


class AuditStore(Protocol):
    """Audit entries in Table Storage, one gapless chain per environment."""

    def last(self, environment: str) -> AuditEntry | None:
        """Return the newest entry, or None."""

    def insert(self, entry: AuditEntry) -> None:
        """Add an entry. Raises Conflict when its sequence number is taken."""

    def list(self, environment: str, *, limit: int) -> Sequence[AuditEntry]:
        """Return the newest entries, newest first."""


class SightStore(Protocol):
    """What the health monitor has seen, in Table Storage."""

    def read(self) -> Versioned[Sight] | None:
        """Return the sight, or None before the first tick."""

    def write(self, sight: Sight, *, etag: str | None) -> Versioned[Sight]:
        """Insert (etag None) or replace the sight. Raises Conflict on any other version."""


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


class Clusters(Protocol):
    """AKS clusters by Azure resource id. Raises ClusterApiUnavailable (also for throttling)."""

    def state(self, cluster: str) -> ClusterState:
        """Return power and provisioning state."""

    def begin_start(self, cluster: str) -> ClusterRequest:
        """Ask for a start and return at once; never waits for it. A lost answer is ClusterApiUnavailable."""

    def begin_stop(self, cluster: str) -> ClusterRequest:
        """Ask for a stop and return at once."""


class Canary(Protocol):
    """The health monitor's own look at the public endpoint."""

    def answers(self) -> bool:
        """Whether the public endpoint answered; True when none is configured."""


class Clock(Protocol):
    """The control plane's clock."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""

    def unix_ns(self) -> int:
        """Return nanoseconds since 1970."""


class IdSource(Protocol):
    """Makes ids."""

    def operation_id(self, environment: str) -> str:
        """Return a new operation id that begins with the environment's name and sorts by time."""

    def unique(self) -> str:
        """Return a new id for a request, a task or a write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything a step may touch."""

    environments: Mapping[str, Environment]
    policy: Policy
    locks: LockStore
    gateways: GatewayStore
    operations: OperationStore
    audit: AuditStore
    sight: SightStore
    work: WorkStore
    clusters: Clusters
    canary: Canary
    clock: Clock
    ids: IdSource
