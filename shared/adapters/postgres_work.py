"""The WorkStore port over PostgreSQL: fence mirror, leases, rotation configs and tasks behind one pool."""

from collections.abc import Callable, Mapping, Sequence

from shared.adapters.postgres import Database
from shared.adapters.postgres_configs import PostgresConfigs
from shared.adapters.postgres_fence import PostgresFence
from shared.adapters.postgres_gateways import PostgresGateways
from shared.adapters.postgres_resolutions import PostgresResolutions
from shared.adapters.postgres_sync import MirrorSync
from shared.adapters.postgres_tasks import PostgresTasks
from shared.domain.fencing import FencingToken
from shared.domain.gateways import Gateway
from shared.domain.guard import Caller, Mirror, Sync
from shared.domain.policy import Policy
from shared.domain.preflight import Replication
from shared.domain.tasks import RotationConfig, Task, TaskCursor, TaskStatus, TaskVerdict, UnfinishedTasks
from shared.ports import (
    LeaseGranted,
    ReadAuthority,
    Reported,
    TaskNotResolved,
    TaskReport,
    TaskResolved,
    WorkRefused,
)


class PostgresWorkStore:
    """`shared.ports.WorkStore`; every method raises DatabaseUnavailable, and those that write OutcomeUnknown.

    Connects on first use. Close it at the end.
    """

    def __init__(self, url: str, *, policy: Policy, pool_size: int, password: Callable[[], str] | None = None) -> None:
        """Prepare, connect to nothing.

        `url` is a libpq URL, `pool_size` the most connections at once, `password` what a new connection sends when the
        URL has none.
        """
        self._database = Database(url, policy=policy, pool_size=pool_size, password=password)
        self._sync = MirrorSync(self._database, policy=policy)
        self._fence = PostgresFence(self._database, self._sync, policy=policy)
        self._tasks = PostgresTasks(self._database, self._fence, policy=policy)
        self._resolutions = PostgresResolutions(self._database)
        self._configs = PostgresConfigs(self._database)
        self._gateways = PostgresGateways(self._database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def ping(self) -> None:
        """Raise DatabaseUnavailable unless PostgreSQL answers, is writable and has the schema version wanted."""
        self._database.ping()

    def replication(self) -> Replication:
        """Return how PostgreSQL's servers stand to each other, as far as the role may see it."""
        return self._database.replication()

    def mirror(self, environment: str) -> Mirror | None:
        """Return the environment's fence row, or None."""
        return self._fence.mirror(environment)

    def sync_mirror(self, environment: str, read_authority: ReadAuthority) -> Sync:
        """Bring the mirror up to the authority, in one transaction that reads the authority itself."""
        return self._sync.run(environment, read_authority)

    def copy_gateway(self, gateway: Gateway) -> None:
        """Keep a copy of the registration's identity."""
        self._gateways.copy(gateway)

    def copied_gateway(self, gateway_id: str) -> Gateway | None:
        """Return the copy, without liveness, or None."""
        return self._gateways.copied(gateway_id)

    def extend_lease(self, caller: Caller, read_authority: ReadAuthority) -> LeaseGranted | WorkRefused:
        """Grant or extend the holder's lease."""
        return self._fence.extend_lease(caller, read_authority)

    def claim(self, caller: Caller, read_authority: ReadAuthority, *, limit: int) -> Sequence[Task] | WorkRefused:
        """Give up to `limit` pending tasks, oldest first, to the caller."""
        return self._tasks.claim(caller, read_authority, limit=limit)

    def report(self, caller: Caller, read_authority: ReadAuthority, report: TaskReport) -> Reported | WorkRefused:
        """Record progress or the end of a task. Raises UnknownTask."""
        return self._tasks.report(caller, read_authority, report)

    def expire_tasks(self) -> Sequence[Task]:
        """Take back tasks that ran `task_timeout_s` without progress; return them as left."""
        return self._tasks.expire()

    def running_tasks(self, environment: str) -> int:
        """Return how many tasks of the environment are running."""
        return self._tasks.count(environment, TaskStatus.RUNNING)

    def claimed_under(self, environment: str, token: FencingToken) -> int:
        """Return how many tasks were ever claimed under the token."""
        return self._tasks.claimed_under(environment, token)

    def pending_tasks(self, environment: str) -> int:
        """Return how many tasks of the environment wait to be claimed."""
        return self._tasks.count(environment, TaskStatus.PENDING)

    def unfinished_tasks(self) -> Mapping[str, UnfinishedTasks]:
        """Return how many tasks have not ended, by environment."""
        return self._tasks.unfinished()

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
        """Return the tasks a gateway claimed and, for the holder, the unclaimed ones; newest first."""
        return self._tasks.listed(environment, gateway_id, holder=holder, status=status, limit=limit, after=after)

    def task_page(
        self, *, environment: str | None, status: TaskStatus | None, limit: int, after: TaskCursor | None
    ) -> Sequence[Task]:
        """Return tasks of one environment or of all, newest first, beginning after the cursor."""
        return self._tasks.page(environment=environment, status=status, limit=limit, after=after)

    def resolve_task(self, task_id: str, verdict: TaskVerdict) -> TaskResolved | TaskNotResolved:
        """Leave a task in doubt as a person decided. Raises UnknownTask."""
        return self._resolutions.resolve(task_id, verdict)

    def put_config(self, config: RotationConfig) -> None:
        """Create or replace a rotation config."""
        self._configs.put(config)

    def config(self, config_id: str) -> RotationConfig | None:
        """Return a rotation config, or None."""
        return self._configs.read(config_id)

    def add_task(self, config: RotationConfig, *, task_id: str, idempotency_key: str, request_digest: str = "") -> Task:
        """Queue one execution of a config; the same idempotency key returns the task queued before."""
        return self._tasks.add(config, task_id=task_id, request_key=idempotency_key, digest=request_digest)
