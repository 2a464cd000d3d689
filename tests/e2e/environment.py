"""One environment of the lab, brought from whatever state it is in to the one a test begins with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from tests.e2e.running_lab import RunningLab, expect
from tests.e2e.stores import Stores
from tests.e2e.waiting import eventually

WITHIN_S = 60.0
STABILITY_WINDOW_S = 60.0  # of beating on time before a failback, in production


@dataclass(frozen=True, slots=True, kw_only=True)
class LabEnvironment:
    """An environment with its two gateways."""

    name: str
    lab: RunningLab
    stores: Stores

    @property
    def primary(self) -> str:
        """The primary gateway's id."""
        return str(self.lab.facts["environments"][self.name]["primary"])

    @property
    def dr(self) -> str:
        """The DR gateway's id."""
        return str(self.lab.facts["environments"][self.name]["dr"])

    @property
    def config(self) -> str:
        """The id of the rotation config that the lab keeps executing here."""
        return str(self.lab.facts["environments"][self.name]["config"])

    def health(self, gateway: str) -> dict[str, Any]:
        """Return a gateway as the health dashboard shows it."""
        shown = self.lab.get("admin/gateway-health")["gateways"]
        return next(dict(one) for one in shown if one["id"] == gateway)

    def activate_dr(self, query: str = "") -> httpx2.Response:
        """POST activate-dr."""
        return self.lab.post(f"admin/failover/{self.name}/activate-dr{query}")

    def failback(self, query: str = "") -> httpx2.Response:
        """POST failback."""
        return self.lab.post(f"admin/failover/{self.name}/failback{query}")

    def carried_out(self, ask: Callable[[str], httpx2.Response]) -> dict[str, Any]:
        """Ask for an operation, again while a store does not answer, and return the document of its good end.

        The store in the lab closes idle connections at any moment, and asking again joins what has begun.
        """
        answer = eventually(
            lambda: ask("?wait=60"),
            lambda answer: answer.status_code != 503,
            what="the stores to answer",
            within_s=WITHIN_S,
        )
        return dict(expect(answer, 200))

    def kill(self, gateway: str) -> None:
        """End a gateway's process if it runs."""
        if self.lab.running(gateway):
            self.lab.command("kill", gateway)

    def beat_once(self, gateway: str, *, token: str | None = None) -> dict[str, Any]:
        """Send one heartbeat in a gateway's name, from its present boot, and return the answer."""
        row = self.stores.gateways(self.name)[gateway]
        body = {
            "environment": self.name,
            "role": row["role"],
            "boot_id": row["boot_id"],
            "sequence": 1,
            "fencing_token": token,
            "checks": {"key_vault": "ok"},
        }
        return dict(expect(self.lab.as_gateway(gateway, "heartbeat", body), 200))

    def ended(self, operation_id: str) -> dict[str, Any]:
        """Return an operation as soon as it has ended."""
        return eventually(
            lambda: dict(self.lab.get(f"admin/operations/{operation_id}")),
            lambda operation: operation["status"] != "running",
            what=f"operation {operation_id} to end",
            within_s=WITHIN_S,
        )

    def with_active_primary(self) -> None:
        """Bring it to rest: the primary active, no operation running."""
        self._without_operation()
        self.lab.command("heal", self.primary)
        if self.stores.lock(self.name).get("holder") == self.dr:
            self.with_stable_primary()
            self.carried_out(self.failback)
        self._until(self.primary, "active")
        self._without_operation()

    def with_failed_primary(self) -> None:
        """Bring it where runbook 1.1 begins: the primary holds the environment, is silent and marked failed."""
        if self.stores.lock(self.name).get("holder") != self.primary:
            self.with_active_primary()
        self.kill(self.primary)
        self._until(self.primary, "failed")
        timeout_s = float(self.lab.get("admin/gateway-health")["heartbeat_timeout_seconds"])
        eventually(
            lambda: self.health(self.primary),
            lambda shown: shown["heartbeat_age_seconds"] > timeout_s,
            what=f"{self.primary} to be silent",
            within_s=WITHIN_S,
        )

    def with_stopped_dr_cluster(self) -> None:
        """Make the DR cluster cold at once, as if it had been stopped in the portal."""
        cluster = self.lab.facts["environments"][self.name]["dr_cluster"]
        body = {"id": cluster, "power": "Stopped", "provisioning": "Succeeded"}
        expect(self.lab.http.post(f"{self.lab.facts['arm_http_url']}/_lab/clusters", json=body), 200)

    def failed_over(self) -> None:
        """Bring it where runbook section 2 begins: the DR gateway active, the primary silent."""
        if self.stores.lock(self.name).get("holder") != self.dr:
            self.with_failed_primary()
            self.carried_out(self.activate_dr)
        self._without_operation()
        self.kill(self.primary)

    def with_stable_primary(self) -> None:
        """Heal the primary and return once it has beaten on time for the stability window."""
        self.lab.command("heal", self.primary)
        window_s = STABILITY_WINDOW_S / float(self.lab.facts["speed"])

        def streak() -> dict[str, Any]:
            return dict(self.stores.gateways(self.name)[self.primary])

        def long_enough(row: dict[str, Any]) -> bool:
            if "last_heartbeat" not in row or "streak_started_at" not in row:
                return False  # it has booted and not beaten yet
            beaten = datetime.now(UTC) - datetime.fromisoformat(row["last_heartbeat"])
            began = datetime.now(UTC) - datetime.fromisoformat(row["streak_started_at"])
            return beaten.total_seconds() < 1.0 and began.total_seconds() > window_s and row["streak_beats"] >= 3

        eventually(streak, long_enough, what=f"{self.primary} to beat on time for {window_s:g} s", within_s=WITHIN_S)

    def _until(self, gateway: str, status: str) -> None:
        eventually(
            lambda: self.health(gateway),
            lambda shown: shown["activation_status"] == status,
            what=f"{gateway} to be {status}",
            within_s=WITHIN_S,
        )

    def _without_operation(self) -> None:
        eventually(
            lambda: self.stores.lock(self.name),
            lambda lock: not lock.get("operation"),
            what=f"the running operation of {self.name} to end",
            within_s=WITHIN_S,
        )
