"""One running control plane with many small environments, and what a case does to one of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import psycopg

from devhost.backends.processes import free_port, log_tail
from devhost.lab.names import cluster_id, demo_config
from devhost.lab.settings import clean_environment
from devhost.lab.tokens import CLIENTS, PEOPLE
from shared.adapters.tables import open_account
from shared.domain.locks import EnvironmentLock
from shared.domain.operations import Operation, OperationKind
from tests.e2e.kills.cases import Kill
from tests.e2e.kills.clusters import ClusterWatch
from tests.e2e.kills.fence_log import FenceState, fence_log, keep_fence_log
from tests.e2e.kills.gateways import Pace, ScriptedGateway
from tests.e2e.kills.kept_host import KeptHost
from tests.e2e.kills.surroundings import Numbers, Surroundings, settings_of

PATHS = {OperationKind.FAILOVER: "activate-dr", OperationKind.FAILBACK: "failback"}
ACCEPTED_WITHIN_S = 30.0
ENDED_WITHIN_S = 30.0
PREPARED_AT_ONCE = 6
ROLES = ("gateway:read", "gateway:operate", "gateway:admin")


class Rig:
    """The host, everything around it, and two gateways for each environment."""

    def __init__(self, folder: Path, around: Surroundings, environments: Sequence[str], numbers: Numbers) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = settings_of(around, environments, numbers, public_url=self.url)
        self.host = KeptHost(folder, port=port, settings={**clean_environment(os.environ), **settings})
        self.stores = open_account(endpoint=None, connection_string=around.tables, client_id=None)
        keep_fence_log(around.database_url)
        self.database = psycopg.connect(around.database_url, autocommit=True)
        self._around, self._policy = around, numbers.policy
        self._gateways = {
            name: (self._gateway(name, "primary"), self._gateway(name, "dr-standby")) for name in environments
        }
        headers = {"authorization": f"Bearer {around.token('operator', *ROLES)}"}
        self._http = httpx2.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=60, trust_env=False)
        self._clusters = ClusterWatch(around.arm["http_url"], runs=self._cluster_runs, stops=self._cluster_stops)

    def start(self) -> None:
        """Start the host and bring the environments to where their primaries beat and hold them."""
        self.host.start()
        self._clusters.start()
        self.everywhere(self._prepare)

    def stop(self) -> None:
        """End everything this rig has started."""
        for pair in self._gateways.values():
            for gateway in pair:
                gateway.close()
        self._clusters.stop()
        self.host.stop()
        self.database.close()
        self._http.close()

    # What a case does --------------------------------------------------------------------------------------------

    @property
    def environments(self) -> Sequence[str]:
        """The names of all environments."""
        return tuple(self._gateways)

    def everywhere(self, bring: Callable[[str], None]) -> None:
        """Do something to every environment, several at once."""
        with ThreadPoolExecutor(PREPARED_AT_ONCE) as pool:
            list(pool.map(bring, self._gateways))

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        """Send one request to the API as an operator. Raises httpx2.TransportError while the host is down."""
        return self._http.request(method, path, json=body, headers=headers)

    def insist(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        """Send a request again until a host that does not die of it has answered. A refusal is a fault of the case."""
        gives_up_at, said = time.monotonic() + ACCEPTED_WITHIN_S, "nothing"
        while time.monotonic() < gives_up_at:
            try:
                answer = self.ask(method, path, body, **headers)
            except httpx2.TransportError as failure:
                said = repr(failure)
            else:
                if answer.is_success:
                    return answer
                assert answer.is_server_error, f"{method} {path} is refused: {answer.text}"
                said = answer.text
            time.sleep(0.05)
        raise AssertionError(f"{method} {path} is not answered: {said}")

    def send_alert(self, alert: object) -> None:
        """Deliver an alert as Azure Monitor's action groups do, again until a host has taken it."""
        (subject, roles), client_id = PEOPLE["alert_token"], CLIENTS["alert_token"]
        token = self._around.token(subject, *roles, client_id=client_id)
        self.insist("POST", "alerts/azure-monitor", alert, authorization=f"Bearer {token}")

    def gateways(self, environment: str) -> tuple[ScriptedGateway, ScriptedGateway]:
        """Return primary and DR gateway."""
        return self._gateways[environment]

    def post(self, environment: str, kind: OperationKind, *, wait_s: float = 0) -> httpx2.Response:
        """Ask for an operation. Raises httpx2.TransportError while the host is down."""
        return self._http.post(f"admin/failover/{environment}/{PATHS[kind]}?wait={wait_s:g}", json={"reason": "drill"})

    def request(self, environment: str, kind: OperationKind, *, deaths: int) -> None:
        """Ask for an operation until it is accepted, or until the host has died of it."""
        self.until_accepted(lambda: self.post(environment, kind), f"{kind.value} of {environment}", deaths=deaths)

    def until_accepted(self, ask: Callable[[], httpx2.Response], what: str, *, deaths: int) -> None:
        """Ask until the answer is 202, or until the host has died of it."""
        gives_up_at, said = time.monotonic() + ACCEPTED_WITHIN_S, "nothing"
        while len(self.host.deaths) == deaths:
            assert time.monotonic() < gives_up_at, f"{what} is not accepted: {said}"
            try:
                answer = ask()
            except httpx2.TransportError:
                continue
            if answer.status_code == 202:
                return
            # Not marked or not stable yet, the monitor blind, a cluster just stopped, or a store busy.
            assert answer.status_code in (409, 503), answer.text
            said = answer.text
            time.sleep(0.1)

    def assert_it_died(self, kill: Kill, *, pid: int, deaths: int) -> None:
        """See that the host which served has died at the case's place, and let the next one live."""
        death = self.host.next_death(deaths)
        self.host.pardon()
        assert death is not None, f"{kill.name}: nothing died there\n{self.story(kill.environment)}"
        assert (death.pid, death.code) == (pid, -signal.SIGKILL), kill.name

    def carried_out(self, environment: str, kind: OperationKind) -> Operation:
        """Carry an operation out with nobody killed."""
        before = self.lock(environment)
        self.request(environment, kind, deaths=len(self.host.deaths))
        return self.ended(environment, before)

    def ended(self, environment: str, before: EnvironmentLock) -> Operation:
        """Return the operation that began after the lock was `before`, once it has left the lock and is recorded."""
        gives_up_at = time.monotonic() + ENDED_WITHIN_S
        while True:
            lock = self.lock(environment)
            if lock.operation is None and lock.last_operation_id not in (None, before.last_operation_id):
                assert lock.last_operation_id is not None
                found = self.stores.operations.read(lock.last_operation_id)
                # The record ends after the operation has left the lock.
                if found is not None and found.value.is_over:
                    return found.value
            assert time.monotonic() < gives_up_at, f"the operation does not end:\n{self.story(environment)}"
            time.sleep(0.03)

    def orchestration_status(self, operation: Operation) -> str:
        """Return how the orchestration of an operation stands, once it has ended or time is up."""
        gives_up_at, status = time.monotonic() + ENDED_WITHIN_S, ""
        where = f"{self.url}/runtime/webhooks/durabletask/instances/{operation.request.id}"
        while status not in ("Completed", "Failed", "Terminated") and time.monotonic() < gives_up_at:
            self.host.wait_until_it_serves()
            try:
                status = str(self._http.get(where).json().get("runtimeStatus"))
            except httpx2.TransportError:
                continue
            time.sleep(0.02)
        return status

    def ready_for(self, kind: OperationKind, environment: str) -> None:
        """Bring an environment to where such an operation begins; one whose former case went well is there already."""
        if kind is OperationKind.FAILBACK:
            self.with_primary_back(environment)
            return
        primary, _ = self.gateways(environment)
        if self.lock(environment).holder != primary.id:
            self.with_primary_back(environment)
            self.carried_out(environment, OperationKind.FAILBACK)
        if primary.lives:
            self.with_primary_silent(environment)

    def with_primary_back(self, environment: str) -> None:
        """Let the primary of an environment that was failed over boot and beat again; fail it over if need be."""
        if self.lock(environment).holder != self.gateways(environment)[1].id:
            self.carried_out(environment, OperationKind.FAILOVER)
        self.gateways(environment)[0].boot()

    def with_primary_silent(self, environment: str) -> None:
        """Bring an environment that was failed back to where the next failover begins: nobody beats, a task waits."""
        for gateway in self.gateways(environment):
            gateway.silence()
        stopped = {"id": cluster_id(environment, "dr"), "power": "Stopped"}
        httpx2.post(f"{self._around.arm['http_url']}/_lab/clusters", json=stopped, trust_env=False).raise_for_status()
        # So that step 1.6 has something to look at.
        self.with_task(environment)

    def with_task(self, environment: str) -> None:
        """Let one more task wait."""
        self._http.post(f"rotation/configs/{demo_config(environment)}/execute").raise_for_status()

    # What a case looks at ----------------------------------------------------------------------------------------

    def lock(self, environment: str) -> EnvironmentLock:
        """Return the environment lock as it is stored."""
        found = self.stores.locks.read(environment)
        assert found is not None, environment
        return found.value

    def fence_log(self, environment: str) -> Sequence[FenceState]:
        """Return every state the fence of the environment was in."""
        return fence_log(self.database, environment)

    def dr_cluster(self, environment: str) -> tuple[str, str]:
        """Return power and provisioning state of the DR cluster, as Azure knows them."""
        found = httpx2.get(f"{self._around.arm['http_url']}/_lab/clusters", trust_env=False).raise_for_status().json()
        name = cluster_id(environment, "dr")
        return next((one["power"], one["provisioning"]) for one in found if one["id"].lower() == name.lower())

    def story(self, environment: str) -> str:
        """Return what a failure message has to show."""
        operations = self.stores.operations.list(environment, limit=2)
        told = "\n".join(f"  {one}" for operation in operations for one in _told(operation))
        return f"{told}\n  lock: {self.lock(environment)}\n  log of the host:\n{log_tail(self.host.log)}"

    # Preparation -------------------------------------------------------------------------------------------------

    def _prepare(self, environment: str) -> None:
        primary, dr = self.gateways(environment)
        primary.boot()
        dr.register("before-the-outage")
        gives_up_at = time.monotonic() + ACCEPTED_WITHIN_S
        while not primary.has_worked:
            assert time.monotonic() < gives_up_at, (
                f"{primary.id} gets no lease, or no answer to its claim:\n{log_tail(self.host.log)}"
            )
            time.sleep(0.02)
        config = demo_config(environment)
        body = {"environment": environment, "name": "demo", "max_attempts": 10}
        self._http.put(f"rotation/configs/{config}", json=body).raise_for_status()

    def _gateway(self, environment: str, role: str) -> ScriptedGateway:
        gateway_id = f"gw-{environment.lower()}-{role.removesuffix('-standby')}"
        return ScriptedGateway(
            gateway_id,
            environment,
            role,
            url=self.url,
            token=self._around.token(gateway_id, "gateway:agent"),
            pace=Pace(
                heartbeat_interval_s=self._policy.heartbeat_interval_s,
                request_timeout_s=self._policy.request_timeout_s,
                own_margin_s=self._policy.gateway_margin_s,
            ),
        )

    def _cluster_runs(self, environment: str) -> None:
        self._gateways[environment][1].boot()

    def _cluster_stops(self, environment: str) -> None:
        self._gateways[environment][1].silence()


def _told(operation: Operation) -> list[str]:
    head = f"{operation.request.id}: {operation.status.value} {dict(operation.error) or ''}"
    return [head, *(f"  {s.step.id}: {s.status.value}, {s.attempts} attempts, {s.detail}" for s in operation.steps)]
